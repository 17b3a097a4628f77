"""The Dockerfile is read as Docker would read it, and what is not understood is no silence."""

from __future__ import annotations

import pytest
import yaml

from rasr.configuration.folders import cache_folder, data_folder
from tools.dockerfile import Copy, DockerfileError, Run, stages
from tools.vendor import ROOT

TEXT = """
# comment
FROM python:3.11 AS build
WORKDIR /source
ENV A=1 \\
    # a comment in between
    B="two words"
ARG MODEL=small
COPY a b ./
RUN first $MODEL \\
    && second
WORKDIR inner
RUN third

FROM python:3.11
COPY --from=build --chown=10:20 /source /place/
ENV PATH=/place:$PATH C=${A}x
USER 10:20
VOLUME ["/data"]
STOPSIGNAL SIGINT
HEALTHCHECK --interval=5s --retries=2 CMD ["true", "a b"]
ENTRYPOINT ["server"]
CMD ["serve", "--port", "1"]
"""


def test_stages_have_their_steps_with_variables_and_folders() -> None:
    build, last = stages(TEXT, {})
    assert (build.base, build.name) == ("python:3.11", "build")
    copy, first, second = build.steps
    assert copy == Copy(("a", "b"), "/source/", None, None)
    assert first == Run(
        "first $MODEL && second", {"MODEL": "small", "A": "1", "B": "two words"}, "/source"
    )
    assert isinstance(second, Run)
    assert (second.command, second.folder) == ("third", "/source/inner")
    assert last.steps == [Copy(("/source",), "/place/", "build", "10:20")]


def test_what_is_made_is_run_as_the_last_stage_says() -> None:
    last = stages(TEXT, {})[-1]
    # Variables of one stage are unknown to the next.
    assert last.environment == {"PATH": "/place:", "C": "x"}
    assert (last.user, last.volumes, last.stop_signal) == ("10:20", ("/data",), "SIGINT")
    assert last.health == ("true", "a b")
    assert last.health_options == {"interval": "5s", "retries": "2"}
    assert last.entry + last.command == ("server", "serve", "--port", "1")


def test_arguments_are_given_from_outside() -> None:
    step = stages(TEXT, {"MODEL": "large", "other": "x"})[0].steps[1]
    assert isinstance(step, Run)
    assert step.environment["MODEL"] == "large"
    assert "other" not in step.environment


@pytest.mark.parametrize(
    "line",
    ["ADD a b", "ENTRYPOINT server", "CMD server", "COPY --link a b", "ONBUILD RUN x"],
)
def test_what_is_not_understood_is_an_error(line: str) -> None:
    with pytest.raises(DockerfileError):
        stages(f"FROM base\n{line}\n", {})


def test_an_instruction_before_the_first_stage_is_an_error() -> None:
    with pytest.raises(DockerfileError, match="before the first FROM"):
        stages("RUN x\nFROM base", {})


def test_the_image_runs_as_nobody_and_has_one_command() -> None:
    image = stages((ROOT / "Dockerfile").read_text("utf-8"), {})[-1]
    assert image.user == "10001:10001"
    assert [*image.entry, *image.command] == ["rasr", "serve"]
    assert image.health
    # Who may use the server is for whoever runs the image to say.
    assert not any(name.startswith("RASR_AUTH") for name in image.environment)


def test_what_a_container_keeps_is_in_volumes_that_compose_names() -> None:
    image = stages((ROOT / "Dockerfile").read_text("utf-8"), {})[-1]
    service = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"]["server"]
    mounted = {volume.split(":")[1] for volume in service["volumes"]}
    assert mounted == set(image.volumes)
    # Accounts in a folder of the container, or in memory, would be gone with its next start.
    assert str(data_folder(image.environment)) in mounted
    assert str(cache_folder(image.environment)) in mounted
    assert image.environment["RASR_MODELS__FOLDER"] in mounted

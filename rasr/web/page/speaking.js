/** The microphone, from the press of the button to the last word. */

import { listen, rateOf } from "../client/rasr.js";
import { faultOfMicrophone } from "../shared/microphone_faults.js";
import { GivenUp } from "./runner.js";
import { Take } from "./take.js";

/**
 * @param {string} server its address
 * @param {import("./runner.js").Runner} runner
 * @param {import("./devices.js").Devices} devices
 */
export async function speak(server, runner, devices) {
  const { notices, signs, texts } = runner;
  let round = null;
  try {
    const options = await runner.begin(true);
    const take = new Take(texts.say("microphone"), rateOf(options.property));
    const opening = listen(server, {
      ...options,
      constraints: devices.constraints,
      onChunk: (chunk, level) => {
        take.hear(chunk, performance.now());
        signs.hear(chunk, level, take);
        round?.watch();
      },
      onGone: () => {
        notices.show({ name: "taken" });
        runner.stop();
      },
    });
    const live = await runner.unlessGivenUp(opening, ({ session }) => session.cancel());
    // Now that the microphone is allowed, the browser tells the names of all.
    void devices.refresh();
    round = runner.follow(live.session, take, { ...options, isMicrophone: true, doing: ["listening"] });
    runner.run(async () => {
      round.noteEnd(performance.now());
      await live.stop();
    });
    await live.session.over;
  } catch (error) {
    if (!(error instanceof GivenUp)) {
      notices.show(faultOfMicrophone(error));
    }
  }
  runner.finish(round);
}

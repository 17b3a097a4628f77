/** The microphone, from the press of the button to the last word. */

import { listen, rateOf } from "../client/rasr.js";
import { faultOfMicrophone } from "./notices.js";
import { Take } from "./take.js";

/**
 * @param {string} server its address
 * @param {import("./runner.js").Runner} runner
 * @param {import("./devices.js").Devices} devices
 */
export async function speak(server, runner, devices) {
  const options = await runner.begin(true);
  if (options === null) {
    return;
  }
  const { notices, signs, texts } = runner;
  const take = new Take(texts.say("microphone"), rateOf(options.property));
  let round = null;
  try {
    const live = await listen(server, {
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
    // Now that the microphone is allowed, the browser tells the names of all.
    void devices.refresh();
    round = runner.follow(live.session, take, { ...options, isMicrophone: true, doing: ["listening"] });
    runner.run(async () => {
      round.noteEnd(performance.now());
      await live.stop();
    });
    await live.session.over;
  } catch (error) {
    notices.show(faultOfMicrophone(error));
  }
  runner.finish(round);
}

/** What a job is asked for: the settings of the page, and who says what. */

import { sessionOptions } from "../choices.js";

/** How speakers are told apart, as a person chooses it: in SIS's words. */
const ANALYSES = {
  none: null,
  left: { channel: "LEFT_AGENT" },
  right: { channel: "RIGHT_AGENT" },
  voices: { channel: "MONO" },
};

export const SPEAKERS = Object.keys(ANALYSES);

/**
 * `config` of a job.
 *
 * @param {object} choices of the page
 * @param {{hotWords: boolean}} traits of the engine
 * @param {keyof ANALYSES} speakers
 */
export function jobConfig(choices, traits, speakers) {
  // These are of live speech.
  const { mode, interim_results, vad_head, caption_channel, cleanUp, ...config } = sessionOptions(choices, traits);
  const analysis = ANALYSES[speakers];
  return {
    ...config,
    ...(analysis === null ? {} : { need_analysis_info: { diarization: true, emotion: false, speed: false, ...analysis } }),
  };
}

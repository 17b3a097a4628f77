/**
 * The clock of a round → the clock of a session.
 *
 * A server counts the samples that it was sent in this round. A session counts those that were
 * spoken: it goes on over a reconnect, and over sound that had to be dropped.
 */

export class Timeline {
  constructor() {
    /** Where the clocks were set anew: places of the round and of the session. */
    this.marks = [];
    this.sent = 0;
    this.next = null;
  }

  /** `length` samples from place `start` of the session are sent now. */
  record(start, length) {
    if (start !== this.next) {
      this.marks.push({ round: this.sent, session: start });
    }
    this.sent += length;
    this.next = start + length;
  }

  /** What was sent from `place` of the round on has not arrived, and is sent again. */
  goBack(place) {
    this.next = this.toSession(place);
    this.marks = this.marks.filter(({ round }) => round <= place);
    this.sent = place;
  }

  /** @param {number} place samples since the round began */
  toSession(place) {
    const mark = this.marks.findLast(({ round }) => round <= place) ?? { round: 0, session: 0 };
    return mark.session + place - mark.round;
  }
}

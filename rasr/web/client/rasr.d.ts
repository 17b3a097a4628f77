/** Types of `rasr.js`. Times are whole milliseconds since the first sound of a session. */

/** START's config as docs/protocol.md has it; `true` and `false` stand for "yes" and "no". */
export interface StartConfig {
  property: string;
  add_punc?: boolean | "yes" | "no";
  digit_norm?: boolean | "yes" | "no";
  /** Partial results. Here, unlike on the wire, they come unless they are declined. */
  interim_results?: boolean | "yes" | "no";
  need_word_info?: boolean | "yes" | "no";
  word_confidence?: boolean | "yes" | "no";
  warnings?: boolean | "yes" | "no";
  vad_head?: number;
  vad_tail?: number;
  max_seconds?: number;
  vocabulary_id?: string;
  user_words?: string[];
  caption_channel?: string;
  /** Keys that this file does not know are sent as they are. */
  [key: string]: unknown;
}

export interface SessionOptions extends StartConfig {
  mode?: "continue" | "sentence" | "short";
  /** `{project_id}` of the address. */
  project?: string;
  /** A token of the server, or of its identity provider: docs/accounts.md. */
  token?: string;
  /**
   * Fetches a ticket; each connection needs one of its own. Where it rejects, a lost connection is
   * tried again; with an error that has an `error_code` the session ends with it.
   */
  ticket?: () => string | Promise<string>;
  /** Most sound that is kept for a reconnect and for a network that stalls; 90. */
  keepSeconds?: number;
  /** For how long a lost server is looked for; 60. */
  patienceSeconds?: number;
  /** For how long the answer to START is waited for, the connection included; 15. */
  startSeconds?: number;
  /** After `end()`, for how long a server may say nothing before its END; 60. */
  endSeconds?: number;
}

export interface ListenOptions extends SessionOptions {
  /** The browser takes echo and noise out of the sound and evens its loudness, which distorts speech; false. */
  cleanUp?: boolean;
  constraints?: MediaTrackConstraints;
  onChunk?: (chunk: Int16Array, level: number) => void;
  onGone?: () => void;
}

export interface Word {
  word: string;
  start_time: number;
  end_time: number;
  /** 0 where the times are a guess; else not there. */
  score?: number;
  /** 0 to 1, with `word_confidence` and an engine that can say it; else not there. */
  confidence?: number;
}

export interface Segment {
  start_time: number;
  end_time: number;
  is_final: boolean;
  /**
   * `stable`, of partials only: so many characters (code points, as `[...text]` gives them) at the
   * start of the text are unlikely to change.
   */
  result: {
    text: string;
    score: number;
    stable?: number;
    word_info?: Word[];
    /** What is spoken, where the model finds it out: "english", "chinese", … */
    language?: string;
  };
}

export interface SessionEvents {
  start: { trace_id: string; start_time: number };
  result: Segment;
  event: { event: string; timestamp: number; warning?: string; message?: string };
  /** `error_code` is one of SIS, APIG.0301 where the server wants credentials, what `ticket` rejected with, or UNREACHABLE, LOST, CLOSED or UNANSWERED (a server that hangs) for the connection. */
  error: { error_code: string; error_msg: string; fatal: boolean };
  /**
   * The connection is lost; it is tried again after `wait_ms`, for the `attempt`-th time. Given up
   * is what has waited for `patience_ms` in all.
   */
  lost: { wait_ms: number; attempt: number; patience_ms: number };
  /** It is back, and nothing is missing: the round goes on at `start_time`. */
  resumed: { trace_id: string; start_time: number };
  /** Sound that could be neither sent nor kept. */
  dropped: { start_time: number; end_time: number };
  /** A message as it went over the wire: its `text`, or so many `bytes` of sound. */
  message: { sent: boolean; text?: string; bytes?: number };
  /** Always the last event, and always there. */
  end: { reason: EndReason };
}

export type EndReason = "NORMAL" | "CANCEL" | "ERROR";

export class Session extends EventTarget {
  constructor(url: string | URL, options: SessionOptions);
  readonly state: "connecting" | "open" | "lost" | "ending" | "ended";
  /** Samples a second that `send` takes. */
  readonly rate: number;
  /** Sound that waits for the network. */
  readonly waitingSeconds: number;
  /** Sound that has no final yet, and is sent again where the connection is lost. */
  readonly keptSeconds: number;
  readonly over: Promise<EndReason>;
  send(samples: Int16Array): void;
  room(): Promise<void>;
  end(): Promise<EndReason>;
  cancel(): void;
  addEventListener<Type extends keyof SessionEvents>(
    type: Type,
    listener: (event: CustomEvent<SessionEvents[Type]>) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
}

/** Fields of real-time synthesis as docs/synthesis.md has them; the sound is always `pcm`. */
export interface SpeechOptions {
  property?: string;
  sample_rate?: "8000" | "16000";
  speed?: number;
  pitch?: number;
  volume?: number;
  subtitle?: "word_level" | "phoneme_level";
  /** As of a session. */
  project?: string;
  token?: string;
  ticket?: () => string | Promise<string>;
}

/** A word that is said. Times are milliseconds since the first sample. */
export interface SaidWord {
  text: string;
  start_time: number;
  end_time: number;
  word_index: number;
  phonemes?: { phoneme: string; start_time: number; end_time: number; phoneme_index: number }[];
}

export interface SpeechEvents {
  start: { trace_id: string };
  /** Right before their sound. */
  words: SaidWord[];
  /** Mono samples at `rate`. */
  sound: Int16Array;
  error: { error_code: string; error_msg: string };
  /** Always the last event, and always there. */
  end: { reason: EndReason };
}

export class Speech extends EventTarget {
  constructor(url: string | URL, text: string, options: SpeechOptions);
  /** Samples a second. */
  readonly rate: number;
  readonly over: Promise<EndReason>;
  /** Close now: the server stops speaking. */
  cancel(): void;
  addEventListener<Type extends keyof SpeechEvents>(
    type: Type,
    listener: (event: CustomEvent<SpeechEvents[Type]>) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
}

export function speak(url: string | URL, text: string, options?: SpeechOptions): Speech;

export class MicrophoneError extends Error {
  readonly reason: "insecure" | "unsupported" | "unreachable" | "denied" | "missing" | "busy" | "soundless";
}

export class Microphone {
  static open(options: {
    rate: number;
    onChunk: (chunk: Int16Array, level: number) => void;
    onGone?: () => void;
    cleanUp?: boolean;
    constraints?: MediaTrackConstraints;
  }): Promise<Microphone>;
  close(): Promise<void>;
}

export class Resampler {
  constructor(inputRate: number, outputRate: number);
  process(samples: Float32Array): Float32Array;
  flush(): Float32Array;
}

export interface Offer {
  property: string;
  language: string;
  sample_rate: number;
  /** The model, or the engine, that serves it; of two, that of live speech and that of finals. */
  model: string;
  hot_words: boolean;
}

export function listen(
  url: string | URL,
  options: ListenOptions,
): Promise<{ session: Session; microphone: Microphone; stop(): Promise<EndReason> }>;

export function properties(url: string | URL): Promise<Offer[]>;

/** Samples a second of a property such as english_8k_common. */
export function rateOf(property: string): number;

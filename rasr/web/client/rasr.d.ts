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
  /** The round survives its connection: docs/protocol.md. Here, unlike on the wire, unless it is declined. */
  resume?: boolean | "yes" | "no";
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

/** Who asks for jobs, and how. */
export interface JobsOptions {
  /** `{project_id}` of the address. */
  project?: string;
  token?: string;
  /** For how long a server that is gone is asked again; 60. */
  patienceSeconds?: number;
  /** In place of the browser's own, to show who asks in another way. */
  fetch?: (url: string, options: RequestInit) => Promise<Response>;
}

/** `config` of a job as docs/recordings.md has it; `true` and `false` stand for "yes" and "no". */
export interface JobConfig {
  property: string;
  audio_format?: string;
  add_punc?: boolean | "yes" | "no";
  digit_norm?: boolean | "yes" | "no";
  need_word_info?: boolean | "yes" | "no";
  word_confidence?: boolean | "yes" | "no";
  vocabulary_id?: string;
  user_words?: string[];
  vad_tail?: number;
  max_seconds?: number;
  callback_url?: string;
  need_analysis_info?: {
    diarization?: boolean;
    channel?: "MONO" | "LEFT_AGENT" | "RIGHT_AGENT";
    emotion?: boolean;
    speed?: boolean;
  } | null;
  /** Keys that this file does not know are sent as they are. */
  [key: string]: unknown;
}

/** What was found out of a sentence: docs/calls.md. */
export interface AnalysisInfo {
  role?: "AGENT" | "USER";
  /** A number for each voice, counted from 0. */
  speaker?: number;
  emotion?: "NORMAL" | "ANGRY" | "UNKNOWN";
  /** A model that would tell the emotion, where the one that was used does not. */
  emotion_model?: string;
  speed?: number;
}

export interface Mark {
  /** Of the list that has it. */
  name: string;
  text: string;
  start_time: number;
  end_time: number;
}

export interface RecordingSegment {
  start_time: number;
  end_time: number;
  result: { text: string; score: number; word_info?: Word[]; analysis_info?: AnalysisInfo; marks?: Mark[] };
}

export interface Job {
  /** In a list alone. */
  job_id?: string;
  status: "WAITING" | "FINISHED" | "ERROR";
  create_time: string;
  start_time?: string;
  finish_time?: string;
  expire_time?: string;
  /** ms. */
  audio_duration?: number;
  /** Percent. */
  progress?: number;
  /** Jobs that come before it. */
  queue_position?: number;
  expected_end_time?: string;
  segments?: RecordingSegment[];
  error_code?: string;
  error_msg?: string;
}

/** What a server refuses: `error_code` is one of SIS, the message is its `error_msg`. */
export class JobError extends Error {
  readonly error_code: string;
  readonly status: number;
}

export class RecordingJobs {
  constructor(url: string | URL, options?: JobsOptions);
  /** Send a recording, and begin a job with it. `onProgress` is told the share that is sent, 0 to 1. */
  submit(
    file: Blob,
    config: JobConfig,
    options?: { onProgress?: (share: number) => void; signal?: AbortSignal },
  ): Promise<string>;
  /** Begin a job with a recording that the server fetches. */
  submitUrl(dataUrl: string, config: JobConfig, options?: { signal?: AbortSignal }): Promise<string>;
  list(options?: { limit?: number; offset?: number; signal?: AbortSignal }): Promise<{ count: number; jobs: Job[] }>;
  show(jobId: string, options?: { signal?: AbortSignal }): Promise<Job>;
  /** Take a job back, or forget one that is over. */
  forget(jobId: string, options?: { signal?: AbortSignal }): Promise<void>;
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
  /**
   * It is back, and nothing is missing: it goes on at `start_time`. `begun_anew` says that no server has held the round: what was open is
   * recognised again, by another server or one that was started anew, with another `trace_id`.
   */
  resumed: { trace_id: string; start_time: number; begun_anew: boolean };
  /** Sound that could be neither sent nor kept. */
  dropped: { start_time: number; end_time: number };
  /** A message as it went over the wire: its `text`, without the token of the round, or so many `bytes` of sound. */
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
  /** A message as it went over the wire: its `text`, or so many `bytes` of sound. */
  message: { sent: boolean; text?: string; bytes?: number };
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

export interface Voice {
  name: string;
  /** The one that it speaks best first. */
  languages: string[];
  gender: "female" | "male";
  age: "adult" | "child";
  /** Of its own sound, Hz. */
  sample_rate: number;
  engine: string;
  model: string | null;
  word_times: "engine" | "estimated";
  /** Processor time of a second of sound on that machine, s; null: not measured yet, ask again. */
  cost: number | null;
  /** Whether it may speak in real time; null: not measured yet. */
  real_time: boolean | null;
  /** Why it may not. */
  real_time_fault: string | null;
}

/** A voice of the service, by its name. */
export interface OfficialVoice {
  name: string;
  language: string;
  gender: "female" | "male";
  age: "adult" | "child";
  bilingual: boolean;
  /** Who speaks for it; null: nobody. */
  voice: string | null;
  /** What is not as it should be, in English. */
  remark: string;
  /** What of the speaker the voice is not. */
  lacks: ("female" | "male" | "adult" | "child" | "english")[];
  /** The model that would bring a better voice; null: none would. */
  better: string | null;
}

/** A model with voices that is not on the server. */
export interface VoiceModel {
  name: string;
  languages: string[];
  voices: number;
  good_for: string;
  download_mb: number | null;
  /** What fetches it, on the server's machine. */
  command: string;
}

export interface Voices {
  /** The name of a request that names none. */
  default: string;
  voices: Voice[];
  official: OfficialVoice[];
  models: VoiceModel[];
}

/** To a server that asks who calls, from a page of its own: browsers ask no other one with a token. */
export function voices(url: string | URL, options?: { project?: string; token?: string }): Promise<Voices>;

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

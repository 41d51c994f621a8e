/**
 * The camera and microphone, or a test picture with a tone for machines that have neither
 * (`?source=test&host=1`). The test picture carries the project's clock mark, so a tool can read off the
 * viewer's screen how old the picture is.
 */

import { QUALITIES } from "./whip.js";

/**
 * @typedef {object} CaptureOptions
 * @property {"camera" | "test"} source
 * @property {import("./whip.js").Quality} quality
 * @property {boolean} music   no echo cancelling, no noise removal, no automatic gain
 * @property {number} host     the number of the test host: its colour and its tone
 */

/**
 * @param {CaptureOptions} options
 * @returns {Promise<MediaStream>}
 */
export function capture(options) {
  return options.source === "test" ? Promise.resolve(testSource(options)) : camera(options);
}

/** @param {CaptureOptions} options */
async function camera({ quality, music }) {
  const { width, height } = QUALITIES[quality];
  const stream = await navigator.mediaDevices.getUserMedia({
    video: { width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: 30 }, facingMode: "user" },
    audio: {
      echoCancellation: !music,
      noiseSuppression: !music,
      autoGainControl: !music,
      channelCount: music ? 2 : 1,
    },
  });
  for (const track of stream.getVideoTracks()) track.contentHint = "motion";
  for (const track of stream.getAudioTracks()) track.contentHint = music ? "music" : "speech";
  return stream;
}

const COLOURS = ["#7a1f3d", "#123f6b", "#1d5a3a", "#5a4312", "#43206b", "#0f5560", "#6b3a12", "#2d2d6b", "#5b1f5b"];

/** @param {CaptureOptions} options */
function testSource({ quality, host }) {
  const { width, height } = QUALITIES[quality];
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
  const draw = () => drawMark(context, host, Date.now());
  draw();

  const stream = canvas.captureStream(30);
  const timer = setInterval(draw, 1000 / 30);
  const [audio] = tone(host).getAudioTracks();
  if (audio) stream.addTrack(audio);
  stream.getVideoTracks()[0]?.addEventListener("ended", () => clearInterval(timer));
  return stream;
}

/**
 * Draws the mark: row 0 the time in milliseconds, row 1 the same inverted, row 2 the host and the flash.
 * @param {CanvasRenderingContext2D} context
 * @param {number} host
 * @param {number} unixMs
 */
function drawMark(context, host, unixMs) {
  const { width, height } = context.canvas;
  const cell = width / 24;
  const isFlash = unixMs % 1000 < 100;
  context.fillStyle = COLOURS[(host - 1) % COLOURS.length] ?? "#333";
  context.fillRect(0, 0, width, height);

  // A face that moves, so that a frozen picture is seen to be frozen.
  const sway = Math.sin(unixMs / 600) * width * 0.08;
  context.fillStyle = "#f1c9a5";
  circle(context, width / 2 + sway, height * 0.42, width * 0.2);
  context.fillStyle = "#222";
  circle(context, width * 0.43 + sway, height * 0.4, width * 0.022);
  circle(context, width * 0.57 + sway, height * 0.4, width * 0.022);
  context.fillStyle = "#f1f1f1";
  context.fillRect(width * 0.24 + sway / 2, height * 0.56, width * 0.52, height * 0.44);
  context.fillStyle = "#ffffff";
  context.font = `bold ${Math.round(width / 12)}px sans-serif`;
  context.textAlign = "center";
  context.fillText(`HOST ${host}`, width / 2, height * 0.25);

  const time = unixMs & 0xffffff;
  for (let column = 0; column < 24; column += 1) {
    const bit = (time >> (23 - column)) & 1;
    const id = column < 8 ? (host >> (7 - column)) & 1 : 1 - ((host >> (15 - column)) & 1);
    const third = column < 16 ? id : Number(isFlash);
    [bit, 1 - bit, third].forEach((white, row) => {
      context.fillStyle = white ? "#fff" : "#000";
      context.fillRect(column * cell, row * cell, cell, cell);
    });
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} x
 * @param {number} y
 * @param {number} radius
 */
function circle(context, x, y, radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}

/**
 * A quiet tone of the host's own and a beep at each whole second.
 * @param {number} host
 */
function tone(host) {
  const context = new AudioContext({ sampleRate: 48_000 });
  const out = context.createMediaStreamDestination();
  oscillator(context, 220 * (host + 1), 0.05).connect(out);
  const beep = oscillator(context, 1000, 0);
  beep.connect(out);

  const schedule = () => {
    const now = Date.now();
    const start = context.currentTime + (1000 - (now % 1000)) / 1000;
    beep.gain.setValueAtTime(0.5, start);
    beep.gain.setValueAtTime(0, start + 0.1);
    setTimeout(schedule, 1000 - (now % 1000) + 200);
  };
  schedule();
  // A page that was opened by a link may need a tap before it may make sound.
  document.addEventListener("pointerdown", () => void context.resume(), { once: true });
  return out.stream;
}

/**
 * @param {AudioContext} context
 * @param {number} hertz
 * @param {number} gain
 */
function oscillator(context, hertz, gain) {
  const source = context.createOscillator();
  const volume = context.createGain();
  source.frequency.value = hertz;
  volume.gain.value = gain;
  source.connect(volume);
  source.start();
  return volume;
}

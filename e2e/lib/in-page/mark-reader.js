// Runs in a viewer's page: reads the test marks out of a video's frames and the tones out of its sound.
(() => {
  const COLUMNS = 24;
  const CELL = 4;
  const strip = new OffscreenCanvas(COLUMNS * CELL, 3 * CELL);
  const stripContext = strip.getContext('2d', { willReadFrequently: true });
  const whole = new OffscreenCanvas(16, 16);
  const wholeContext = whole.getContext('2d', { willReadFrequently: true });

  /** Tiles of the program's canvas, as shares of its size. */
  const TILES = {
    solo: [0, 0, 1, 1], left: [0, 0.125, 0.5, 0.5], right: [0.5, 0.125, 0.5, 0.5],
  };

  /** Reads the mark of one tile: {id, t, flash}, or null if there is none. */
  function readMark(video, [x, y, w]) {
    const width = video.videoWidth * w;
    const cell = width / COLUMNS;
    stripContext.drawImage(video, video.videoWidth * x, video.videoHeight * y, width, cell * 3, 0, 0, strip.width, strip.height);
    const pixels = stripContext.getImageData(0, 0, strip.width, strip.height).data;
    const level = (column, row) => pixels[((row * CELL + (CELL >> 1)) * strip.width + column * CELL + (CELL >> 1)) * 4 + 1];
    let t = 0;
    for (let column = 0; column < COLUMNS; column++) {
      const bit = level(column, 0); const inverse = level(column, 1);
      if (Math.abs(bit - inverse) < 60) return null;
      t = t * 2 + (bit > inverse ? 1 : 0);
    }
    let id = 0;
    for (let column = 0; column < 8; column++) {
      const bit = level(column, 2); const inverse = level(column + 8, 2);
      if (Math.abs(bit - inverse) < 60) return null;
      id = id * 2 + (bit > inverse ? 1 : 0);
    }
    return { id, t, flash: level(20, 2) > 128 };
  }

  function meanLuma(video) {
    wholeContext.drawImage(video, 0, 0, 16, 16);
    const pixels = wholeContext.getImageData(0, 0, 16, 16).data;
    let sum = 0;
    for (let i = 0; i < pixels.length; i += 4) sum += 0.299 * pixels[i] + 0.587 * pixels[i + 1] + 0.114 * pixels[i + 2];
    return sum / (pixels.length / 4);
  }

  /** Age of a mark in ms. Hosts above 100 are clips whose clock wraps every 20 s. */
  function age(mark) {
    const period = mark.id > 100 ? 20_000 : 0x1000000;
    const now = (performance.timeOrigin + performance.now()) % period;
    return (now - (mark.t % period) + period) % period;
  }

  window.readTiles = (selector, names) => {
    const video = document.querySelector(selector);
    return Object.fromEntries(names.map((name) => { const mark = readMark(video, TILES[name]); return [name, mark && { ...mark, age: age(mark) }]; }));
  };

  /** Watches every presented frame from now on; `window.stopWatching()` returns what was seen. */
  window.startWatching = (selector, names, { luma = false } = {}) => {
    const video = document.querySelector(selector);
    const frames = [];
    let running = true;
    const each = (now, meta) => {
      if (!running) return;
      const marks = Object.fromEntries(names.map((name) => { const mark = readMark(video, TILES[name]); return [name, mark && { ...mark, age: age(mark) }]; }));
      frames.push({ now, rtp: meta.rtpTimestamp, presented: meta.presentedFrames, marks, ...(luma && { luma: meanLuma(video) }) });
      video.requestVideoFrameCallback(each);
    };
    video.requestVideoFrameCallback(each);
    window.watchedFrames = () => frames;
    window.stopWatching = () => { running = false; return frames; };
  };

  let analyser;
  /** Levels in dB of tones in the sound of a video, against the quietest of the frequencies between them. */
  window.toneLevels = async (selector, tones) => {
    const video = document.querySelector(selector);
    if (!analyser) {
      const audio = new AudioContext({ sampleRate: 48000 });
      await audio.resume();
      analyser = new AnalyserNode(audio, { fftSize: 16384, smoothingTimeConstant: 0 });
      audio.createMediaStreamSource(new MediaStream(video.srcObject.getAudioTracks())).connect(analyser);
      await new Promise((done) => setTimeout(done, 800)); // one whole window of sound
    }
    const bins = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(bins);
    const at = (hertz) => { const bin = Math.round((hertz * analyser.fftSize) / 48000); return Math.max(bins[bin - 1], bins[bin], bins[bin + 1]); };
    const floor = at(540);
    return Object.fromEntries(tones.map((tone) => [tone, at(tone) - floor]));
  };
})();

// Runs in a host's page before its own scripts: the camera is a canvas with the test mark (see load-tester/src/mark.rs)
// whose clock is the wall clock, the microphone is a tone (`window.speak(gain)`) with a beep at each whole second. `detail` patches that change with
// every frame make the picture cost what a camera's does.
(() => {
  const { id, hue, tone, width = 360, height = 640, fps = 30, detail = 0 } = window.testHost;
  const COLUMNS = 24;
  const FLASH_MS = 100;
  const wallClock = () => performance.timeOrigin + performance.now();
  let stream;

  function bits(value, count) { return Array.from({ length: count }, (_, i) => (value >> (count - 1 - i)) & 1); }

  function draw(context, frame) {
    const now = Math.round(wallClock());
    const cell = width / COLUMNS;
    context.fillStyle = `hsl(${hue} 70% 45%)`;
    context.fillRect(0, cell * 3, width, height);
    context.fillStyle = `hsl(${hue} 80% 70%)`;
    context.beginPath();
    context.arc(width / 2 + 90 * Math.sin(frame / 20), height / 2 + 60 * Math.cos(frame / 17), 70, 0, 7);
    context.fill();
    for (let patch = 0; patch < detail; patch++) {
      context.fillStyle = `hsl(${Math.random() * 360} 50% 50%)`;
      context.fillRect(Math.random() * width, cell * 3 + Math.random() * (height - cell * 3), 24, 24);
    }
    context.fillStyle = '#fff';
    context.font = '48px sans-serif';
    context.textAlign = 'center';
    context.fillText(`host ${id}`, width / 2, height - 110);
    const time = bits(now & 0xffffff, COLUMNS);
    const flash = now % 1000 < FLASH_MS ? 1 : 0;
    const rows = [time, time.map((bit) => 1 - bit), [...bits(id, 8), ...bits(~id & 0xff, 8), ...Array(8).fill(flash)]];
    rows.forEach((row, y) => row.forEach((bit, x) => {
      context.fillStyle = bit ? '#fff' : '#000';
      context.fillRect(x * cell, y * cell, cell, cell);
    }));
  }

  function sound() {
    const audio = new AudioContext({ sampleRate: 48000, latencyHint: 'interactive' });
    const out = audio.createMediaStreamDestination();
    const voice = new GainNode(audio, { gain: 0.06 });
    const own = new OscillatorNode(audio, { frequency: tone });
    own.connect(voice).connect(out);
    own.start();
    window.speak = (gain) => { voice.gain.value = gain; };
    const beepLevel = new GainNode(audio, { gain: 0 });
    const beep = new OscillatorNode(audio, { frequency: 1000 });
    beep.connect(beepLevel).connect(out);
    beep.start();
    setInterval(() => {
      const untilSecond = (1000 - (wallClock() % 1000)) / 1000;
      if (untilSecond > 0.5) return;
      const at = audio.currentTime + untilSecond;
      beepLevel.gain.setValueAtTime(0.4, at);
      beepLevel.gain.setValueAtTime(0, at + FLASH_MS / 1000);
    }, 400);
    return out.stream.getAudioTracks()[0];
  }

  function start() {
    const canvas = Object.assign(document.createElement('canvas'), { width, height });
    const context = canvas.getContext('2d');
    draw(context, 0);
    const picture = canvas.captureStream(0).getVideoTracks()[0];
    let frame = 0;
    setInterval(() => { draw(context, frame++); picture.requestFrame(); }, 1000 / fps);
    return new MediaStream([picture, sound()]);
  }

  navigator.mediaDevices.getUserMedia = async (wanted = {}) => {
    stream ??= start();
    return new MediaStream([...(wanted.video ? stream.getVideoTracks() : []), ...(wanted.audio ? stream.getAudioTracks() : [])].map((track) => track.clone()));
  };
})();

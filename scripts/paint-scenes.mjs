/** Paints the pictures that the screenshots' videos begin with, on a canvas of the browser: nobody else's work is shown. */

/** Colours from the top of the sky to the horizon, of the ridges from far to near, and of the sun or the moon. */
const SCENES = {
  dunes: {
    sky: ['#3b2a63', '#c2566b', '#f7b267'],
    ridges: ['#c9805a', '#a35a43', '#6e3a35'],
    disc: [0.7, 0.46, 0.06, '#ffe3a8'],
    wave: 0.5,
  },
  lake: {
    sky: ['#0a1230', '#16305c', '#3f6d8f'],
    ridges: ['#1c3355', '#122440'],
    disc: [0.3, 0.24, 0.035, '#f5f1da'],
    stars: 260,
    water: '#0d2340',
    wave: 1.3,
  },
  meadow: {
    sky: ['#4aa3df', '#9fd3f0', '#eef7e8'],
    ridges: ['#8fbf6a', '#5f9f4a', '#d9a520', '#b98312'],
    disc: [0.8, 0.2, 0.05, '#fff6cf'],
    wave: 0.7,
  },
  harbour: {
    sky: ['#141226', '#4d2a5c', '#d9667b'],
    ridges: ['#2a1f3d'],
    disc: [0.22, 0.55, 0.05, '#ffc6a0'],
    towers: 42,
    water: '#291c3a',
    wave: 0.3,
  },
  forest: {
    sky: ['#8fa8a3', '#b9c9c0', '#dfe6da'],
    ridges: ['#9db0a4', '#6f8a7c', '#46655a', '#243f38'],
    disc: [0.5, 0.3, 0.08, '#f4f1dc'],
    wave: 2.4,
  },
  aurora: {
    sky: ['#04101f', '#0c3b4a', '#2f8f7a'],
    ridges: ['#0d2b33', '#071a20'],
    stars: 200,
    aurora: '#7dffc4',
    wave: 1.8,
  },
  coast: {
    sky: ['#f2a65a', '#f8cf8d', '#fdf0d0'],
    ridges: ['#7a8fa6', '#46607c'],
    disc: [0.55, 0.5, 0.07, '#fff8e0'],
    water: '#e0a86a',
    wave: 0.9,
  },
  peaks: {
    sky: ['#2b5c8a', '#7fb2d6', '#f3e3d8'],
    ridges: ['#aebfd2', '#71879f', '#3d5068'],
    disc: [0.2, 0.3, 0.04, '#ffffff'],
    wave: 3.2,
  },
};

export const SCENE_NAMES = Object.keys(SCENES);

/** @param page of playwright @returns the JPEG's bytes */
export async function paintScene(page, name, width = 1248, height = 704) {
  const seed = SCENE_NAMES.indexOf(name) + 1;
  const url = await page.evaluate(paint, { scene: SCENES[name], width, height, seed });
  return Buffer.from(url.split(',')[1], 'base64');
}

/** Runs in the browser. */
function paint({ scene, width, height, seed }) {
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  const draw = canvas.getContext('2d');
  let state = seed * 7919;
  const random = () => {
    state = (state * 16807) % 2147483647;
    return state / 2147483647;
  };
  const sky = draw.createLinearGradient(0, 0, 0, height * 0.75);
  for (const [index, colour] of scene.sky.entries()) sky.addColorStop(index / (scene.sky.length - 1), colour);
  draw.fillStyle = sky;
  draw.fillRect(0, 0, width, height);
  for (let star = 0; star < (scene.stars ?? 0); star++) {
    draw.fillStyle = `rgb(255 255 255 / ${0.3 + random() * 0.7})`;
    draw.fillRect(random() * width, random() * height * 0.55, 1 + random() * 2, 1 + random() * 2);
  }
  if (scene.aurora) {
    draw.filter = 'blur(18px)';
    for (let band = 0; band < 60; band++) {
      const x = (band / 60) * width;
      const top = height * (0.16 + 0.1 * Math.sin(band / 6) + random() * 0.05);
      const glow = draw.createLinearGradient(0, top, 0, top + height * 0.4);
      glow.addColorStop(0, `${scene.aurora}00`);
      glow.addColorStop(0.35, `${scene.aurora}99`);
      glow.addColorStop(1, `${scene.aurora}00`);
      draw.fillStyle = glow;
      draw.fillRect(x, top, width / 55, height * 0.4);
    }
    draw.filter = 'none';
  }
  if (scene.disc) {
    const [x, y, radius, colour] = scene.disc;
    const glow = draw.createRadialGradient(x * width, y * height, 0, x * width, y * height, radius * width * 3.5);
    glow.addColorStop(0, `${colour}88`);
    glow.addColorStop(1, `${colour}00`);
    draw.fillStyle = glow;
    draw.fillRect(0, 0, width, height);
    draw.fillStyle = colour;
    draw.beginPath();
    draw.arc(x * width, y * height, radius * width, 0, 7);
    draw.fill();
  }
  for (const [index, colour] of scene.ridges.entries()) {
    const [one, two, three] = [random() * 6, random() * 6, random() * 6];
    const base = height * (0.56 + index * (0.4 / scene.ridges.length));
    draw.fillStyle = colour;
    draw.beginPath();
    draw.moveTo(0, height);
    for (let x = 0; x <= width; x += 4) {
      const at = (x / width) * scene.wave * 6;
      const swell = Math.sin(at + one) * 0.55 + Math.sin(at * 2.3 + two) * 0.3 + Math.sin(at * 5.1 + three) * 0.12;
      draw.lineTo(x, base - swell * height * 0.09);
    }
    draw.lineTo(width, height);
    draw.fill();
  }
  for (let tower = 0; tower < (scene.towers ?? 0); tower++) {
    const [x, wide, high] = [random() * width, 22 + random() * 46, height * (0.1 + random() * 0.3)];
    const top = height * 0.68 - high;
    draw.fillStyle = '#191428';
    draw.fillRect(x, top, wide, high + height * 0.1);
    for (let y = top + 8; y < height * 0.66; y += 13) {
      for (let column = x + 6; column < x + wide - 6; column += 10) {
        if (random() < 0.45) continue;
        draw.fillStyle = random() < 0.8 ? '#ffd08acc' : '#9ad8ffcc';
        draw.fillRect(column, y, 4, 6);
      }
    }
  }
  if (scene.water) {
    const shore = height * 0.74;
    draw.save();
    draw.beginPath();
    draw.rect(0, shore, width, height - shore);
    draw.clip();
    draw.translate(0, shore * 2);
    draw.scale(1, -1);
    draw.drawImage(canvas, 0, 0);
    draw.restore();
    draw.fillStyle = `${scene.water}99`;
    draw.fillRect(0, shore, width, height - shore);
    for (let ripple = 0; ripple < 160; ripple++) {
      draw.fillStyle = `rgb(255 255 255 / ${random() * 0.12})`;
      draw.fillRect(random() * width, shore + random() * (height - shore), 20 + random() * 90, 1.5);
    }
  }
  return canvas.toDataURL('image/jpeg', 0.92);
}

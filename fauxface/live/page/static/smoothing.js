// The one-euro filter of one face's points: fauxface/inference/smoothing.py in JavaScript.

const share = (cutoff, elapsed) => 1 / (1 + 1 / (2 * Math.PI * cutoff * elapsed));

export class FaceFilter {
  constructor(settings) {
    this.settings = settings;
    this.points = null;
  }

  // The filtered points; `seconds` is the frame's time, `unit` the distance of the eyes in pixels.
  next(points, seconds, unit) {
    if (!this.points) {
      Object.assign(this, { points, raw: points, velocity: new Float64Array(points.length), seconds });
      return points;
    }
    const elapsed = seconds - this.seconds, count = points.length / 2;
    if (elapsed <= 0) return points;
    const { min_cutoff, beta, speed_cutoff, within } = this.settings, taken = share(speed_cutoff, elapsed);
    const whole = [0, 0];
    points.forEach((value, i) => {
      const velocity = (value - this.raw[i]) / (elapsed * Math.max(unit, 1e-6));
      this.velocity[i] += taken * (velocity - this.velocity[i]);
      whole[i % 2] += this.velocity[i] / count;
    });
    const apart = this.velocity.reduce((sum, value, i) => sum + (value - whole[i % 2]) ** 2, 0) / count;
    const speed = Math.hypot(...whole) + within * Math.sqrt(apart), part = share(min_cutoff + beta * speed, elapsed);
    this.points = this.points.map((value, i) => value + part * (points[i] - value));
    Object.assign(this, { raw: points, seconds });
    return this.points;
  }
}

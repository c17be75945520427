/** What does each camera template do, in English? A translation of the provider's own names: it says no more of them. */
import type { CameraTemplate } from '../jimeng/modes.ts';

export const CAMERA_WORDS: Readonly<Record<CameraTemplate, string>> = {
  hitchcock_dolly_in: 'Hitchcock push-in',
  hitchcock_dolly_out: 'Hitchcock pull-out',
  robo_arm: 'robot arm',
  dynamic_orbit: 'dynamic orbit around the subject',
  central_orbit: 'orbit around the centre',
  crane_push: 'crane',
  quick_pull_back: 'super pull-back',
  counterclockwise_swivel: 'swivel counterclockwise',
  clockwise_swivel: 'swivel clockwise',
  handheld: 'handheld camera',
  rapid_push_pull: 'rapid push and pull',
};

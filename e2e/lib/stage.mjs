// Puts hosts on stage and takes them off again, by the protocol that every page speaks.
import { Member } from './member.mjs';
import { waitFor } from './wait.mjs';

/** Creates a room with its host's own token. */
export async function createRoom(server, room, host) {
  const token = await server.token(room, host, 'host');
  const { status } = await server.call('POST', '/v1/rooms', { token, body: { room, title: room } });
  if (status !== 201 && status !== 200) throw new Error(`room ${room}: ${status}`);
}

/** Waits until a room is live and shows exactly these users. */
export const onStage = (server, room, users) => waitFor(`${users} on the stage of ${room}`, async () => {
  const { body } = await server.call('GET', `/v1/rooms/${room}`);
  const shown = body.stage.map((performer) => performer.user).join();
  if (shown !== users.join()) throw new Error(`on stage: ${shown}, ${body.state}`);
  return body;
}, { seconds: 25 });

/** Lets room `b` accept a battle that room `a` offers; resolves once both are shown. */
export async function battle(server, [hostA, hostB], [a, b], { seconds = 300 } = {}) {
  const { pk } = await hostA.send('pk.invite', { room: b, duration_s: seconds, punish_s: 0 });
  await hostB.event('pk.updated', (battle) => battle.pk === pk && battle.state === 'inviting');
  await hostB.send('pk.accept', { pk });
  await hostA.event('pk.updated', (battle) => battle.pk === pk && battle.state === 'battling', { seconds: 30 });
  return pk;
}

/** Joins as a host's second device: commands without publishing. */
export const director = (server, room, host) => Member.join(server, room, host, 'host');

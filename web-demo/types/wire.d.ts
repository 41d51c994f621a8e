// What crosses the wire, as docs/PROTOCOL.md writes it. Read by the type checker and by editors only:
// no page loads this file. A name here is the name there.

declare namespace Wire {
  type Role = "host" | "guest" | "viewer" | "assistant" | "moderator" | "admin";
  type Stream = "room" | "seat" | "pk" | "sale" | "gift" | "chat" | "react" | "me";
  type RoomState = "created" | "waiting" | "live" | "interrupted" | "ended";
  type SeatState = "idle" | "reserved" | "joining" | "live" | "held";
  type BattleState = "inviting" | "linking" | "linked" | "preparing" | "battling" | "punishing" | "idle";
  type SaleState = "counting" | "open" | "paused" | "sold_out" | "closed" | "cancelled";
  type CountdownKind = "auction_start" | "auction_end" | "sale_open" | "coupon_open" | "quiz_close" | "packet_open" | "lottery_draw" | "pk_start" | "pk_end" | "punish";

  interface Performer { feed: string; room: string; user: string; name: string; seat: number; muted: boolean }
  interface Seat {
    index: number; state: SeatState; user: string | null; muted: boolean; unseen?: boolean; mic?: boolean; cam?: boolean;
    locked?: boolean; lock_audio?: boolean; lock_video?: boolean; rev?: number;
  }
  interface BattleSide { room: string; state: "asked" | "in" | "surrendered" | "out"; host?: string | null; name?: string; reason?: string }
  interface BattleResult { winner: string | null; reason: string }
  interface Battle {
    pk: string;
    state: BattleState;
    rooms: string[];
    start_at: number | null;
    end_at: number | null;
    scores: Record<string, number>;
    /** Who gave most, by the room they gave to; sides to which nobody gave are left out. */
    top?: Record<string, Giver[]>;
    version: number;
    result: BattleResult | null;
    sides?: BattleSide[];
    round?: number; rush?: { from: number; factor: number } | null;
  }
  interface Sale {
    sale: string; title: string; sku: string; product?: string; price_cents: number; stock: number; left: number; per_user: number;
    open_at: number; close_at: number; state: SaleState; fair?: boolean; buyers?: number; pay_within_ms?: number; draw?: Draw;
  }
  interface Draw { commit: string; decided_at: number; result?: { seed: string; entries: number; orders: number; last: string | null } }
  interface SaleDraft {
    sale: string; title: string; sku: string; price_cents: number; stock: number; per_user: number; duration_ms: number;
    policy: "arrival" | "lottery_window";
  }
  interface Product { product: string; title: string; sku: string; price: number; currency: string; stock?: number; image?: string; url?: string; rev: number }
  interface Explanation { product: string; from: number; to?: number | null }
  interface Coupon {
    coupon: string; title: string; amount?: number; percent?: number; min_spend: number; currency: string; product?: string; valid_s?: number; count: number; left: number;
    wants_keyword: boolean; open_at: number; close_at: number; state: "counting" | "open" | "sold_out" | "closed" | "cancelled";
  }
  type QuizState = "waiting" | "asking" | "closed" | "revealed" | "over" | "cancelled";
  interface Asked {
    number: number; text: string; options: string[]; asked_at: number; close_at: number; reveal_at: number; answered: number;
    outcome?: { right: number; counts: number[] };
  }
  interface Quiz {
    quiz: string; title: string; questions: number; needed: number; pot?: { amount: number; currency: string }; state: QuizState; asked: Asked | null; players: number;
    result: { winners: number; share: number; rest: number; named: { user: string; name: string }[] } | null;
  }
  interface QuizWon { quiz: string; share: number; currency?: string }
  type AuctionState = "scheduled" | "running" | "closing" | "sold" | "unsold" | "void";
  interface AuctionPrice {
    auction: string; rev: number; price: number | null; next: number; leader: string | null; bids: number; reserve_met?: boolean;
    end_at: number; extensions: number;
  }
  interface Auction extends AuctionPrice {
    title: string; sku: string; currency: string; start_price: number; start_at: number; hard_end: number | null; soft_close: boolean;
    state: AuctionState;
  }
  interface BidResult { auction: string; bid: number; leading: boolean; price: number; max: number; end_at: number }
  interface AuctionWon { auction: string; price: number; currency: string; order: string }
  interface Mine { units?: Record<string, number>; leads?: Record<string, number>; coupons?: Record<string, string>; answers?: Record<string, number> }
  interface Settings {
    features: Record<string, boolean>; seat_mode: "free" | "apply"; seats: number; hidden: boolean; tags?: string[]; slow_mode_s: number; all_muted: boolean;
  }
  interface Sanction { user: string; until: number | null; by: string; reason: string | null }
  interface Moderation { mutes: Sanction[]; bans: Sanction[]; words: string[] }
  interface Wish { user: string; name: string; index: number | null; until: number }
  interface Participant { user: string; name: string; role: Role; sessions: number }
  interface Countdown {
    id: string; rev: number; kind: CountdownKind; open_at: number; close_at: number | null;
    state: "counting" | "fired" | "cancelled"; labels: string[]; payload: { ref: string };
  }
  interface Chat {
    id: string; user: string; name: string; role: Role; text?: string;
    kind?: "danmaku" | "sticker" | "custom" | "whisper"; colour?: string; place?: "scroll" | "top" | "bottom"; sticker?: string; to?: string | null;
  }
  interface Question { question: string; user: string; name: string; text: string; asked_at: number; pinned: boolean; answered_at: number | null; answer?: string }
  interface Gift { id: string; name: string; coins: number; level: "normal" | "luxury"; icon: string; effect: string }
  interface GiftItem {
    user: string; name: string; gift: string; to: string; at: number; n: number; coins: number;
    combo: { id: number; n: number; end: boolean };
  }
  interface GiftBatch { gifts: GiftItem[] }
  interface Contributor { user: string; name: string; coins: number }
  interface Giver { user: string; name: string; points: number }
  interface BattleTop { pk: string; sides: Record<string, Giver[]> }
  type PacketState = "counting" | "open" | "empty" | "expired" | "cancelled";
  interface PacketTaker { user: string; name: string; amount: number }
  interface RedPacket {
    packet: string; title: string; total: number; shares: number; split: "lucky" | "fixed"; wants_keyword: boolean; open_at: number; close_at: number;
    left: number; left_total: number; state: PacketState; luckiest: PacketTaker | null; refunded: number;
  }
  interface RedPacketRecord extends RedPacket { takers: PacketTaker[] }
  type LotteryState = "open" | "closed" | "drawn" | "aborted";
  interface Lottery {
    lottery: string; title: string; prize: string; places: number; wants_keyword: boolean; commitment: string; close_at: number; draw_at: number;
    entered: number; state: LotteryState; entries_hash: string | null; seed: string | null; winners: { user: string; name: string }[];
  }
  interface LotteryRecord extends Lottery { entries: string[] }
  interface React {
    online: number; likes: number; gifts: number; coins: number; senders: number; top: Contributor[];
  }
  interface Leaderboard { gifts: number; coins: number; senders: number; top: Contributor[]; battle_top: BattleTop | null }
  interface Speaker { feed: string | null; user: string | null }
  interface Uplink {
    user: string; score: number; trouble: "silence" | "loss" | "delay" | "jitter" | "frame_rate" | null;
    loss: number; rtt_ms: number | null; jitter_ms: number; fps: number; kbps: number;
  }
  interface PeerEntry { id: string; user: string; role: Role; publishes: string | null; plays: string | null; since: number }
  interface PeerList { peers: PeerEntry[]; viewers: Record<string, number> }
  interface MediaClock { media: string; rtp_ts: number; shown_at: number }
  interface SeatRequest { user: string; kind: "apply" | "invite" | "reject" | "decline" | "timeout" }
  interface You { user: string; name: string; role: Role }
  interface Snapshot {
    room: string; title: string; state: RoomState; you: You; seats: Seat[]; stage: Performer[];
    battle: Battle | null; sales: Sale[]; packets?: RedPacket[]; lotteries?: Lottery[]; countdowns: Countdown[]; chat: Chat[];
    online: number; likes: number; gifts?: number; coins: number; senders?: number; top?: Contributor[];
    wishes?: Wish[]; settings?: Settings; moderation?: Moderation; muted_until?: number | null;
    products?: Product[]; pinned?: string; explaining?: Explanation; drafts?: SaleDraft[]; auctions?: Auction[]; coupons?: Coupon[]; quizzes?: Quiz[]; questions?: Question[]; mine?: Mine;
    st: number; q: Partial<Record<Stream, number>>;
  }
  /** The answer to `hello`: a snapshot, or only where the session goes on. */
  interface Entered extends Partial<Snapshot> { sid: string; epoch: string; resumed: boolean; missed?: number; st: number }
  interface RoomView {
    room: string; title: string; state: RoomState; host: string | null; seats: Seat[]; stage: Performer[];
    battle: Battle | null; online: number; tags?: string[]; program: { whep: string; rtmp: string };
  }
  interface Target { id: string; url: string; state: "connecting" | "live" | "waiting"; attempts: number; error: string | null }
  interface LayoutOverlay { kind: "image" | "text" | "clock" | "countdown" | "score"; x: number; y: number; width: number; height: number; [more: string]: unknown }
  interface Layout {
    preset: string; tiles?: object[]; main: string | null; fit: string | null; labels: boolean; mute_marks: boolean;
    border: object | null; radius: number; placeholder: object; background: object; overlays: LayoutOverlay[];
    transition: { kind: "cut" | "fade" | "slide"; ms: number };
  }
  interface LayoutView {
    rev: number; canvas: { width: number; height: number }; preset: string | null; layout: Layout;
    tiles: { feed: string; user: string; x: number; y: number; width: number; height: number; z: number; seen: boolean }[];
  }
  interface Rendition { name: string; width: number; height: number; kbps: number; active: boolean }
  interface Quality {
    video_kbps: number; renditions: Rendition[];
    limits: { min_kbps: number; max_kbps: number; renditions: string[] };
  }
  interface Insert {
    id: string; src: string; mode: "fullscreen" | "pip"; rect: { x: number; y: number; width: number; height: number }; z: number;
    fit: string; volume: number; duck: number; loop: boolean; state: "fetching" | "loading" | "playing"; length_ms: number | null;
  }
  interface Inserts { inserts: Insert[]; films: string[]; images: string[] }
  interface StandIn {
    image: string | null; src: string | null; fit: string | null; volume: number | null;
    state: "fetching" | "loading" | "ready" | "failed" | null; error: string | null;
  }
  interface OrderResult { order: string; seq: number; sale: string; qty: number; stock: number; pay_by?: number }
  interface OrderQueued { order: string; state: "queued"; sale: string; qty: number; decided_at: number }
  interface OrderNews { state: "placed" | "not_drawn" | "cancelled" | "paid" | "expired"; order: string; sale?: string; seq?: number; qty?: number; pay_by?: number }
  interface Sold { seq: number; order: string; user: string; qty: number; at: number; state: "placed" | "paid" | "expired"; pay_by?: number }
  interface SaleOrders { sale: Sale; orders: Sold[]; cursor: string | null }

  /** Anything that comes down: an answer, an event, or a clock reply. */
  interface Down { v: 1; t: string; must?: boolean; s?: Stream; q?: number; st?: number; rid?: string; code?: string; retry_ms?: number; d: any }
}

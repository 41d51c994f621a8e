//! A shop's signalling under load.

use super::Figure;

pub(super) const FIGURES: &[Figure] = &[
    Figure {
        name: "sale.spread_ms",
        bar: "<= 100",
        meaning: "\"3, 2, 1, link!\": from when 1 % to when 99 % of 1,000 screens show the end of a countdown, behind fibre, wifi, mobile and weak networks, timers and 60 pictures a second included",
    },
    Figure {
        name: "sale.clock_spread_ms",
        bar: "<= 50",
        meaning: "the same by each shopper's estimate of the server's clock alone",
    },
    Figure {
        name: "sale.late_countdowns",
        bar: "0",
        meaning: "screens on which a countdown came after its end, or whose end was not shown",
    },
    Figure {
        name: "sale.orders_per_s",
        bar: ">= 12000",
        meaning: "orders a second that were accepted, each durable before its answer, by 3,000 shoppers on WebSockets; server and shoppers share the cores",
    },
    Figure {
        name: "sale.orders_p99_ms",
        bar: "-",
        meaning: "from sending such an order to its answer, 99th percentile",
    },
    Figure {
        name: "sale.orders_server_cores",
        bar: "-",
        meaning: "cores of the server meanwhile, joining included",
    },
    Figure {
        name: "sale.burst_orders",
        bar: "10000",
        meaning: "orders that 1,000 shoppers send at the moment a sale opens",
    },
    Figure { name: "sale.burst_p50_ms", bar: "-", meaning: "from sending to the decision, median" },
    Figure { name: "sale.burst_p99_ms", bar: "<= 250", meaning: "the same, 99th percentile" },
    Figure {
        name: "sale.burst_all_ms",
        bar: "-",
        meaning: "from the opening to the last decision",
    },
    Figure { name: "sale.early_orders", bar: "-", meaning: "orders sent before the opening" },
    Figure {
        name: "sale.early_accepts",
        bar: "0",
        meaning: "those of them that were accepted by a time before it",
    },
    Figure { name: "sale.oversold", bar: "0", meaning: "units sold above the stock" },
    Figure {
        name: "sale.out_of_order",
        bar: "0",
        meaning: "orders of one shopper taken in another order than sent, and numbers missing or given twice",
    },
    Figure { name: "sale.unanswered", bar: "0", meaning: "orders without an answer" },
    Figure {
        name: "gift.fanout_p50_ms",
        bar: "-",
        meaning: "from the server's taking a gift to each of 1,000 shoppers' hearing of it, 20 gifts a second",
    },
    Figure { name: "gift.fanout_p99_ms", bar: "<= 200", meaning: "the same, 99th percentile" },
    Figure { name: "gift.lost", bar: "0", meaning: "gifts that a shopper did not hear of" },
    Figure {
        name: "chat.overload_lines_per_s",
        bar: "-",
        meaning: "lines of chat a second that 1,000 shoppers say, ten times what each is shown",
    },
    Figure {
        name: "chat.overload_heard_per_s",
        bar: "<= 20",
        meaning: "lines a second that each was shown",
    },
    Figure {
        name: "chat.overload_control_p99_ms",
        bar: "<= 500",
        meaning: "from the server's saying something on the control lane to each shopper's hearing it meanwhile, 99th percentile",
    },
    Figure {
        name: "chat.overload_control_lost",
        bar: "0",
        meaning: "events of that lane that a shopper missed",
    },
    Figure { name: "ws.idle_connections", bar: "5000", meaning: "WebSockets that say nothing" },
    Figure { name: "ws.kb_per_connection", bar: "<= 40", meaning: "memory of the server for each" },
    Figure {
        name: "ws.idle_core_percent",
        bar: "-",
        meaning: "what they cost in percent of a core",
    },
    Figure {
        name: "join.storm_sockets",
        bar: "5000",
        meaning: "WebSockets that come to one room at once; the door lets 200 in and then 200 a second",
    },
    Figure {
        name: "join.storm_all_in_s",
        bar: "<= 30",
        meaning: "from the first one's coming until the last one is in; the door alone makes it 24",
    },
    Figure {
        name: "join.storm_wait_p50_ms",
        bar: "-",
        meaning: "from coming to being in, those included who were told to come again later, median",
    },
    Figure { name: "join.storm_wait_p99_ms", bar: "-", meaning: "the same, 99th percentile" },
    Figure {
        name: "join.storm_turned_away",
        bar: "<= 2",
        meaning: "how often the one was told to come again who was told so most often",
    },
    Figure {
        name: "join.storm_never_in",
        bar: "0",
        meaning: "sockets that were never let in, or cut off again",
    },
    Figure {
        name: "join.storm_control_p99_ms",
        bar: "<= 500",
        meaning: "from the server's saying something on the control lane to the hearing of 200 members who were in before, meanwhile, 99th percentile",
    },
    Figure {
        name: "join.storm_control_lost",
        bar: "0",
        meaning: "events of that lane that one of them missed",
    },
];

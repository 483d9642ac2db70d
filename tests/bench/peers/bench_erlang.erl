%% The shapes for Erlang/OTP: one shape once, in a fresh node, figures as bench_shapes prints them.
%%
%% Called by tests/bench/peers/erlang with SHAPE, WORKERS and, if given, COUNT. Each process has the
%% settings that suit it best: off_heap queues where much is sent to one, idle ones hibernate.
-module(bench_erlang).
-export([run/1, idle_on/0]).
-on_load(load/0).

-define(SECOND, 1000000000).

%% Without the NIF all shapes but wake are there.
load() ->
    case os:getenv("TROUPE_BENCH_NIF") of
        false -> ok;
        Path -> erlang:load_nif(Path, 0)
    end.

run([Name, Workers | Rest]) ->
    {Default, Play} = shape(Name),
    Count = case Rest of [Text] -> list_to_integer(Text); [] -> Default end,
    {Cpu0, _} = erlang:statistics(runtime),
    Begin = erlang:monotonic_time(nanosecond),
    Figures = Play(Count),
    Wall = erlang:monotonic_time(nanosecond) - Begin,
    {Cpu1, _} = erlang:statistics(runtime),
    Print = fun(What, Value) -> io:format("~s ~s ~s ~.6g~n", [Name, Workers, What, Value * 1.0]) end,
    [Print(What, Value) || {What, Value} <- Figures],
    Print("cpu", (Cpu1 - Cpu0) * 1.0e6 / Wall),
    Print("rss_kb", status("VmHWM")),
    halt(0).

shape("ping-pong") -> {1000000, fun ping_pong/1};
shape("count") -> {4000000, fun(N) -> flow(1, N) end};
shape("fan-in") -> {500000, fun(N) -> flow(8, N) end};
shape("ring") -> {3000000, fun ring/1};
shape("big") -> {10000, fun big/1};
shape("spawn") -> {1000000, fun(N) -> spawn_all(N, 1000) end};
shape("spawn-at-once") -> {1000000, fun(N) -> spawn_all(N, N) end};
shape("idle") -> {1000000, fun idle/1};
shape("wake") -> {2000, fun(N) -> wake(N, 1) end};
shape("wake-asleep") -> {500, fun(N) -> wake(N, 10) end};
shape("apart") -> {200000, fun apart/1};
shape(Name) ->
    io:format(standard_error, "bench_erlang: no shape '~s'~n", [Name]),
    halt(2).

%% A line of /proc/self/status, in kB.
status(Name) ->
    {ok, File} = file:open("/proc/self/status", [read, raw, read_ahead]),
    Value = status(Name, File),
    ok = file:close(File),
    Value.

status(Name, File) ->
    {ok, Line} = file:read_line(File),
    case string:lexemes(Line, ":\t ") of
        [Name, Value | _] -> list_to_integer(Value);
        _ -> status(Name, File)
    end.

%% Runs Fun in a process of its own and returns how many nanoseconds it took to say that it is done.
timed(Fun) ->
    Self = self(),
    Begin = erlang:monotonic_time(nanosecond),
    Fun(Self),
    receive done -> erlang:monotonic_time(nanosecond) - Begin end.

rate(Messages, Ns) -> [{"per_s", Messages * ?SECOND / Ns}].

%% --- one ball: ping-pong, ring, apart ---

player(Next, Main) ->
    receive
        1 -> Main ! done, player(Next, Main);
        Left when is_integer(Left) -> Next ! Left - 1, player(Next, Main);
        {next, Pid} -> player(Pid, Main)
    end.

circle(Main, Options) ->
    Players = [spawn_opt(fun() -> player(none, Main) end, O) || O <- Options],
    [First | Others] = Players,
    lists:foreach(fun({A, B}) -> A ! {next, B} end, lists:zip(Players, Others ++ [First])),
    First.

hit(Options, Hits) ->
    First = circle(self(), Options),
    timed(fun(_) -> First ! Hits end).

ping_pong(Hits) -> [{"ns", hit([[], []], Hits) * 2 / Hits}].

ring(Hops) -> rate(Hops, hit(lists:duplicate(1000, []), Hops)).

%% The option is undocumented; it keeps a process on one scheduler.
apart(Hits) -> [{"ns", hit([[{scheduler, 1}], [{scheduler, 2}]], Hits) * 2 / Hits}].

%% --- many to one: count, fan-in ---

counter(0, Main) -> Main ! done;
counter(Left, Main) ->
    receive Number when is_integer(Number) -> counter(Left - 1, Main) end.

source(0, _) -> ok;
source(Left, Counter) ->
    Counter ! Left,
    case Left rem 1000 of
        0 -> erlang:yield();
        _ -> ok
    end,
    source(Left - 1, Counter).

flow(Sources, Each) ->
    Main = self(),
    Counter = spawn_opt(fun() -> counter(Sources * Each, Main) end,
                        [{message_queue_data, off_heap}]),
    Ns = timed(fun(_) ->
        [spawn(fun() -> source(Each, Counter) end) || _ <- lists:seq(1, Sources)]
    end),
    rate(Sources * Each, Ns).

%% --- a hundred play ping with others at random: big ---

%% A generator whose products stay small integers; larger ones would be allocated.
random(R) -> R * 16807 rem 2147483647.

peer_start(Pings, Main) ->
    receive Peers -> serve(Pings, Main, Peers, erlang:phash2(self()) + 1) end.

serve(Left, Main, Peers, R) ->
    case element(1 + R rem tuple_size(Peers), Peers) of
        Self when Self =:= self() -> serve(Left, Main, Peers, random(R));
        Other -> Other ! {ping, self()}, peer(Left, Main, Peers, random(R))
    end.

peer(Left, Main, Peers, R) ->
    receive
        {ping, From} -> From ! pong, peer(Left, Main, Peers, R);
        pong when Left > 1 -> serve(Left - 1, Main, Peers, R);
        pong -> Main ! peer_done, peer(0, Main, Peers, R)
    end.

big(Pings) ->
    Main = self(),
    Peers = [spawn(fun() -> peer_start(Pings, Main) end) || _ <- lists:seq(1, 100)],
    Ns = timed(fun(_) ->
        [Peer ! list_to_tuple(Peers) || Peer <- Peers],
        [receive peer_done -> ok end || _ <- Peers],
        Main ! done
    end),
    rate(200 * Pings, Ns).

%% --- start, a message, end, its parent hears of it: spawn ---

child(Parent) -> receive job -> Parent ! child_done end.

%% The parent hears by a plain message: less than what a monitor does.
spawn_burst(0, _) -> ok;
spawn_burst(Left, Parent) ->
    spawn(fun() -> child(Parent) end) ! job,
    spawn_burst(Left - 1, Parent).

hear(0) -> ok;
hear(Left) -> receive child_done -> hear(Left - 1) end.

%% As many as have ended by now.
heard(Count) -> receive child_done -> heard(Count + 1) after 0 -> Count end.

spawner(0, Running, _, Main) ->
    hear(Running),
    Main ! done;
spawner(Left, Running, Burst, Main) ->
    Now = min(Left, Burst),
    spawn_burst(Now, self()),
    erlang:yield(),
    spawner(Left - Now, Running + Now - heard(0), Burst, Main).

spawn_all(Count, Burst) ->
    Ns = timed(fun(Main) ->
        spawn_opt(fun() -> spawner(Count, 0, Burst, Main) end, [{message_queue_data, off_heap}])
    end),
    rate(Count, Ns).

%% --- a million that have handled a message: idle ---

idler(Main) -> receive job -> Main ! child_done, erlang:hibernate(?MODULE, idle_on, []) end.

idle_on() -> receive job -> idle_on() end.

idle(Count) ->
    Main = self(),
    Before = status("VmRSS"),
    Pids = idle_start(Count, Main, []),
    After = status("VmRSS"),
    Figures = [{"bytes", (After - Before) * 1024 / Count}],
    %% The list is part of what whoever keeps them pays, as ours keep a table.
    true = length(Pids) =:= Count,
    Figures.

idle_start(0, _, Pids) -> Pids;
idle_start(Left, Main, Pids) ->
    Burst = min(Left, 1000),
    New = [spawn(fun() -> idler(Main) end) || _ <- lists:seq(1, Burst)],
    [Pid ! job || Pid <- New],
    hear(Burst),
    idle_start(Left - Burst, Main, New ++ Pids).

%% --- a thread outside sends each so many milliseconds: wake ---

wake(Count, PeriodMs) ->
    Main = self(),
    Listener = spawn(fun() -> listener(Count, [], Main) end),
    ok = call_each(Listener, Count, PeriodMs),
    receive
        {delays, Delays} ->
            Sorted = lists:sort(Delays),
            [{"p50_us", lists:nth(Count div 2 + 1, Sorted) / 1000},
             {"p99_us", lists:nth(Count * 99 div 100 + 1, Sorted) / 1000}]
    end.

listener(0, Delays, Main) -> Main ! {delays, Delays};
listener(Left, Delays, Main) ->
    receive {call, SentNs} -> listener(Left - 1, [now_ns() - SentNs | Delays], Main) end.

%% Of the NIF: a thread that sends {call, SentNs}; the clock that it reads.
call_each(_, _, _) -> erlang:nif_error(no_nif).
now_ns() -> erlang:nif_error(no_nif).

// Command peers asks refmon and other access-control engines the same
// questions in one run and prints what each takes, as a Markdown table of
// ratios. `make bench-peers` installs what it needs from Debian and runs it.
//
// It is a module of its own, so that users of refmon do not download the
// engines it is compared with.
//
// # What is asked
//
// One descriptor of ten allow entries, all for the same mask, the first nine
// for strangers and the tenth for a group in the middle of the token: every
// entry reaches the SID test, and the tenth decides. The token has 20 or 200
// SIDs. Asked is one right, or MAXIMUM_ALLOWED, or one right from the
// descriptor's self-relative bytes. Each engine gets its most favourable input:
// parsed policies, prepared queries, converted data. Before it is timed it must
// give the answer refmon gives, for the member of the deciding group and for
// a user who is not.
//
// # How it is timed
//
// A turn of each engine follows a turn of the others, for several rounds, so
// that a busy machine slows all of them alike. Counted is the processor time of
// the thread that asks: what others do with the machine meanwhile is not in it,
// nor is the work of the garbage collector on other threads, which favours those
// who allocate. Samba's C loop and its Python child process count for
// themselves: the way into them is not in the figure either. The figure is the
// median over the rounds, the ratio is the median of the ratios within a round.
//
// An engine that is absent is named with the reason, in the table.
//
// Guards: none; one goroutine.
package main

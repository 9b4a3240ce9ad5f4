// Command peers runs the same questions through refmon and other access-control engines and prints the times as a
// Markdown table of ratios. `make bench-peers` installs the Debian packages that it needs and runs it. It is a module
// of its own, so that users of refmon do not download the other engines.
//
// # Questions
//
// There is one descriptor of ten allow entries with the same mask. The first nine are for strangers, the tenth for a
// group in the middle of the token, so every entry reaches the SID test and the tenth decides. The token has 20 or
// 200 SIDs. The request is one right, MAXIMUM_ALLOWED, or one right with the descriptor's self-relative bytes. Each
// engine gets its most favourable input: parsed policies, prepared queries, converted data. Before it is timed its
// answer must equal refmon's, for a member of the deciding group and for another user.
//
// # Timing
//
// The engines run alternately for several rounds, so that a busy machine slows all of them equally. The time is the
// processor time of the calling thread. It excludes other load and the garbage collector's work on other threads,
// which favours engines that allocate. Samba's C loop and its Python child process measure themselves, so the calls
// into them do not count either. The figure is the median over the rounds, the ratio the median of the ratios within
// a round. The table names a missing engine with the reason.
package main

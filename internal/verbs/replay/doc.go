// Package replay is about recordings: what a machine answered when it was
// asked the questions that refmon answers, and where the two differ.
//
// cmd/refmon-record writes a recording, a file of JSON lines (docs/recording.md);
// [Read] takes it apart and [Compare] answers each of its lines anew:
//
//	rec, err := replay.Read(file)
//	report, err := replay.Compare(rec, replay.Notes{…})
//
// A question is asked in one of two ways. [Questions] are single calls with all
// of their input in one line: text and bytes of SIDs and descriptors, and the
// access checks of package vectors. A [Program] is a script whose calls happen
// one after another on the same machine; see [script.Backend].
package replay

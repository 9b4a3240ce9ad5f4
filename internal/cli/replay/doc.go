// Package replay compares recordings with refmon. A recording holds the answers of a Windows machine to the same
// questions. record/cmd/refmon-record writes it, as a file of JSON lines (docs/recording.md). [Read] parses it, and
// [Compare] computes refmon's answer to each line:
//
//	rec, err := replay.Read(file)
//	report, err := replay.Compare(rec, replay.Notes{…})
//
// There are two kinds of questions. [Questions] are single calls with their whole input in one line: SIDs and
// descriptors as text and bytes, and the access checks of package vectors. A [Program] is a script whose calls run in
// sequence on one machine; see [script.Backend].
package replay

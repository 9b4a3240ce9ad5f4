package trail

import (
	"fmt"
	"strings"

	"github.com/refmon/refmon/auditlog"
)

// Verified describes the result of a successful verification in lines: its extent, its anchor and its limits. anchors
// is the number of checkpoints given from elsewhere.
func Verified(v *auditlog.Verified, anchors int) string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	switch {
	case v.Last == 0:
		say("intact: no record was written yet")
	case v.Last < v.First:
		say("no record is left of the log %x", v.Log)
	default:
		say("intact: records %d to %d, %d bytes, of the log %x", v.First, v.Last, v.Bytes, v.Log)
	}
	say("anchor: %s, checkpoint of %d records, root %x", v.Checkpoint.Origin, v.Checkpoint.Size, v.Checkpoint.Root[:8])
	if n := len(v.Anchors) - 1; anchors > 0 && n > 0 {
		say("anchor: %d of %d checkpoints from elsewhere are in the tree", n, anchors)
	}
	for _, text := range unknown(v, anchors) {
		say("not known: %s", text)
	}
	return b.String()
}

// unknown lists the changes that the verification cannot detect. It returns nil for none. Without anchors there
// always is one.
func unknown(v *auditlog.Verified, anchors int) []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	unread := v.Oldest
	switch gone := v.Oldest - 1; {
	case v.Oldest <= 1:
	case v.Removal > 0:
		say("the content of records 1 to %d, which the log removed, as record %d says; the tree has their hashes", gone,
			v.Removal)
	case v.Unexplained():
		say("the content of records 1 to %d, which are missing: no record says that the log removed them", gone)
	default:
		unread = 1
	}
	if unread < v.First {
		say("the content of records %d to %d, which were not read; the tree has their hashes", unread, v.First-1)
	}
	if v.Last > v.Checkpoint.Size {
		say("whether records %d to %d were changed: no checkpoint covers them yet", v.Checkpoint.Size+1, v.Last)
	}
	if !v.Whole && v.Last < v.Checkpoint.Size {
		say("records after %d: they were not read", v.Last)
	}
	if v.Writing > 0 {
		say("%d bytes at the end: being written, or torn off by a crash", v.Writing)
	}
	if anchors == 0 {
		say("whether the folder is an older copy of itself, or its end was cut off or rewritten together with the " +
			"checkpoint: give --checkpoint FILE, one that was kept elsewhere")
	}
	if v.OwnKey {
		say("whether somebody replaced both log and key: the public key came from the folder; give --key FILE")
	}
	if v.KeyInside {
		say("who signed: the private key lies in the folder, and who could write the log could sign it")
	}
	return out
}

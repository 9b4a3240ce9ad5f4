package oracle_test

import (
	"encoding/hex"
	"testing"

	"github.com/refmon/refmon/internal/kit/oracle"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/recordings"
)

// TestOracleReadsRecordedWindowsBytes reads the meaning of descriptors that Windows wrote, and finds it in other bytes
// of the same descriptor only.
func TestOracleReadsRecordedWindowsBytes(t *testing.T) {
	seen := map[string]string{}
	for _, row := range recordings.Rows[struct{ SDDL, Hex string }](t, "sddl_to_bytes_windows.jsonl") {
		b := check.Must(hex.DecodeString(row.Hex))
		meaning, err := oracle.Canon(b, false)
		if err != nil {
			t.Errorf("%s: %v", row.SDDL, err)
			continue
		}
		if other, ok := seen[meaning.String()]; ok && other != row.Hex {
			t.Errorf("%s: got one meaning for %s and %s", row.SDDL, other, row.Hex)
		}
		seen[meaning.String()] = row.Hex
	}
}

// TestSIDHasFifteenPartsAtMost checks that a SID with 15 parts is valid, and that a longer one is not.
func TestSIDHasFifteenPartsAtMost(t *testing.T) {
	const longest = "S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15"
	for owner, valid := range map[string]bool{longest: true, longest + "-16": false} {
		_, err := oracle.Canon((&oracle.Descriptor{Owner: owner}).Bytes(), false)
		check.Equal(t, err == nil, valid, "descriptor of %s", owner)
	}
}

// FuzzCanon feeds bytes to the reader of descriptors: it must return, and zeros after the end change nothing.
func FuzzCanon(f *testing.F) {
	d := oracle.Descriptor{Owner: "S-1-5-18", DACL: &oracle.ACL{Entries: []oracle.ACE{{Mask: 1, SID: "S-1-1-0"}}}}
	sample, err := oracle.Canon(d.Bytes(), false)
	check.NoError(f, err)
	f.Add(d.Bytes())
	short := d.Bytes() // its entry has a header only
	short[20+8+2], short[20+8+3] = 4, 0
	f.Add(short)
	early := d.Bytes() // its list ends before the entry
	early[20+2] = 8
	check.That(f, check.Err(oracle.Canon(early, false)) != nil, "an entry behind the end of its list is read")
	f.Add([]byte{})
	f.Add(make([]byte, 20))
	f.Fuzz(func(t *testing.T, b []byte) {
		one, err := oracle.Canon(b, false)
		if err == nil && one.String() != sample.String() && (one.Differ(sample) == nil || sample.Differ(one) == nil) {
			t.Errorf("%x: got no difference from another descriptor, want one", b)
		}
		two, again := oracle.Canon(append(b[:len(b):len(b)], 0, 0, 0, 0), false)
		check.That(t, err != nil || again == nil && one.Differ(two) == nil && one.String() == two.String(),
			"%x: got %q, and with zeros after the end %q, %v", b, one, two, again)
	})
}

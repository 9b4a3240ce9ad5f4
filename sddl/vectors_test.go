package sddl_test

import (
	"bytes"
	"encoding/hex"
	"github.com/refmon/refmon/internal/test/recordings"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"strconv"
	"strings"
	"testing"
)

// A row whose list has bytes after its last entry must be readable, not
// written so: the slack came from the version of Windows that recorded it.
func hasSlack(d *sd.Descriptor) bool {
	for _, l := range [...]*sd.ACL{d.DACL(), d.SACL()} {
		n := 8
		for _, a := range l.All() {
			n += len(a.Binary())
		}
		if l != nil && n != l.Size() {
			return true
		}
	}
	return false
}

// C-80, S-16, S-25, S-38: text to bytes as recorded on Windows.
func TestVectorsToBytes(t *testing.T) {
	for i, r := range recordings.Rows[struct{ SDDL, Domain, Hex string }](t, "sddl_to_bytes_windows.jsonl") {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			want, err := hex.DecodeString(r.Hex)
			if err != nil {
				t.Fatal(err)
			}
			domain := sid.MustParse(r.Domain)
			d, err := sddl.Parse(r.SDDL, sddl.Options{Domain: domain})
			if err != nil {
				t.Fatalf("%s\n%v", r.SDDL, err)
			}
			recorded, err := sd.Decode(want)
			if err != nil {
				t.Fatalf("the recorded bytes: %v", err)
			}
			if got := recorded.AppendOriginal(nil); !bytes.Equal(got, want) {
				t.Errorf("S-13: reading and writing changes the bytes\ngot  %x\nwant %x", got, want)
			}
			if hasSlack(recorded) {
				a, errA := sddl.Format(d, sddl.Options{Domain: domain})
				b, errB := sddl.Format(recorded, sddl.Options{Domain: domain})
				if a != b || errA != nil || errB != nil {
					t.Errorf("S-18: slack changes the text\n%s\n%s", a, b)
				}
				return
			}
			if got := d.Binary(); !bytes.Equal(got, want) {
				t.Errorf("%s\ngot  %x\nwant %x", r.SDDL, got, want)
			}
		})
	}
}

// S-39, S-41, S-46: canonical text, and what Windows refuses.
func TestVectorsRoundTrip(t *testing.T) {
	o := sddl.Options{Domain: sid.MustParse("S-1-5-21-2457507606-2709100691-398136650")}
	for i, r := range recordings.Rows[struct {
		SDDL, Windows string
		Canonical     *string
	}](t, "sddl_roundtrip.jsonl") {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			d, err := sddl.Parse(r.SDDL, o)
			if r.Windows == "fail" {
				if err == nil {
					t.Fatalf("%s was read", r.SDDL)
				}
				return
			}
			if err != nil {
				t.Fatalf("%s\n%v", r.SDDL, err)
			}
			got, err := sddl.Format(d, o)
			if err != nil {
				t.Fatal(err)
			}
			if r.Canonical != nil && got != strings.ReplaceAll(*r.Canonical, "0x12A05F200", "0x12a05f200") { // S-6: lower case
				t.Errorf("%s\ngot  %s\nwant %s", r.SDDL, got, *r.Canonical)
			}
			again, err := sddl.Parse(got, o)
			if err != nil || !bytes.Equal(again.Binary(), d.Binary()) {
				t.Errorf("%s does not read back: %v", got, err)
			}
		})
	}
}

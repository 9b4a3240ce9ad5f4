package lint

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestKnownForms: each form in which SIDs are given out is known with the parts that it
// has, and with none more or less. Source: MS-DTYP 2.4.2.4, "Security identifiers" of
// Windows Server, and S-1-22 as Samba maps ids.
func TestKnownForms(t *testing.T) {
	for text, want := range map[string]bool{
		"S-1-1-0": true, "S-1-1-7": false, "S-1-0-0": true, "S-1-3-4": true, "S-1-4-9": false,
		"S-1-5-18": true, "S-1-5-32-544": true, "S-1-5-32-9999": false, "S-1-5-64-10": true, "S-1-5-64-99": false,
		"S-1-5-5-1-2": true, "S-1-5-5-1": false, "S-1-5-5-1-2-3": false,
		"S-1-5-21-1-2-3-1107": true, "S-1-5-21-1-2-3": false, "S-1-5-21-1-2-3-4-5": false,
		"S-1-5-80-1": true, "S-1-5-80-1-2-3-4-5": true, "S-1-5-82-1": true, "S-1-5-83-1": true, "S-1-5-90-1": true,
		"S-1-5-99-1": true, "S-1-5-88-1": true, "S-1-5-88-1-2": true, "S-1-5-91-1": false, "S-1-5-79-1": false,
		"S-1-11-96-1": true, "S-1-11-96": false, "S-1-11-95-1": false,
		"S-1-12-1-2-3-4-5": true, "S-1-12-1-2-3-4": false, "S-1-12-1-2-3-4-5-6": false, "S-1-12-2-2-3-4-5": false,
		"S-1-15-2-7": true, "S-1-15-3-7": true, "S-1-15-2": false, "S-1-15-4-7": false, "S-1-15-1-7": false,
		"S-1-16-4096": true, "S-1-16-4097": true, "S-1-16-1-2": false, "S-1-17-1": true, "S-1-17-1-2": true,
		"S-1-18-1": true, "S-1-18-6": true, "S-1-18-7": false, "S-1-18-1-1": false,
		"S-1-19-512-1": true, "S-1-19-512": false, "S-1-19-512-1-1": false,
		"S-1-22-1-0": true, "S-1-22-2-7": true, "S-1-22-3-7": false, "S-1-22-1": false, "S-1-22-1-2-3": false,
		"S-1-23-1": false, "S-1-13-1": false,
	} {
		s := sid.MustParse(text)
		if got := known(s); got != want {
			t.Errorf("%s: known %t", text, got)
		}
		account := strings.HasPrefix(text, "S-1-5-21-")
		if !want && strings.Contains(unknown(s), "is no account") != account {
			t.Errorf("%s: %s", text, unknown(s))
		}
	}
}

// TestRows: a line is SDDL or a row of an objects file with one descriptor, in each of
// its forms; blank lines and remarks are passed over, and lines keep their numbers.
func TestRows(t *testing.T) {
	const text = "O:BAG:SYD:(A;;FR;;;WD)"
	d, err := sddl.Parse(text, sddl.Options{})
	if err != nil {
		t.Fatal(err)
	}
	bin := d.Binary()
	hexed, coded := hex.EncodeToString(bin), base64.StdEncoding.EncodeToString(bin)
	lines, err := Lines([]byte("# remark\n\n" + text + "\n  \n" + `{"path":"/p","sd":"` + text + `"}` + "\n" +
		`{"sdHex":"` + hexed + `","sd":null,"path":"h","type":"file"}` + "\n" + `{"sdBase64":"` + coded + `",` +
		`"path":null,"sd":""}` + "\n" +
		`{"path":"/p"}` + "\n" + `{"sd":"D:","sdHex":"` + hexed + `"}` + "\n" + `{"sd":"D:",` +
		`"sdBase64":"` + coded + `"}` + "\n" +
		`{"sdHex":"0g"}` + "\n" + `{"sdBase64":"!"}` + "\n" + `{"sdHex":"0100"}` + "\n" +
		`{"sd":7}` + "\n" + `{"SD":"D:"}` + "\n" + text))
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		number     int
		path, text string
		bytes      bool
		wrong      string
	}{
		{3, "", text, false, ""}, {5, "/p", text, false, ""}, {6, "h", "", true, ""}, {7, "", "", true, ""},
		{8, "/p", "", false, "none of sd, sdHex, sdBase64"}, {9, "", "", false, "more than one"}, {10, "", "",
			false, "more than one"},
		{11, "", "", false, "invalid byte"}, {12, "", "", false, "illegal base64"}, {13, "", "", false, "."},
		{14, "", "", false, "sd: want a string"}, {15, "", "", false, "SD"}, {16, "", text, false, ""},
	}
	if len(lines) != len(want) {
		t.Fatalf("%d lines, want %d", len(lines), len(want))
	}
	for i, w := range want {
		l := lines[i]
		if l.Number != w.number || l.Path != w.path || (l.Err != nil) != (w.wrong != "") ||
			w.wrong != "." && l.Err != nil && !strings.Contains(l.Err.Error(), w.wrong) {
			t.Errorf("line %d: %+v, want %+v", i, l, w)
		}
		if w.wrong == "" && (l.Text != w.text || (l.Descriptor != nil) != w.bytes || w.bytes &&
			string(l.Descriptor.Binary()) != string(d.Binary())) {
			t.Errorf("line %d: %+v, want %+v", i, l, w)
		}
	}
}

// TestFindingsAsText: a finding names its place, its entry, its rule and its mend, and a
// text that only the lenient reader takes is a finding of its own, before all others.
func TestFindingsAsText(t *testing.T) {
	for _, c := range []struct {
		f    Finding
		want string
	}{
		{Finding{ACE: -1, Kind: "k", What: "w", Mend: "m"}, "descriptor: k: w; m"},
		{Finding{List: "DACL", ACE: -1, Kind: "k", What: "w", Mend: "m", Rule: "A-1"}, "DACL: k: w (A-1); m"},
		{Finding{List: "SACL", ACE: 0, Entry: "(E)", Kind: "k", What: "w", Mend: "m", Rule: "A-1"},
			"SACL 0 (E): k: w (A-1); m"},
	} {
		if got := c.f.String(); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
	found, err := Text("O:BA G:SYD:(A;;FR;;;BA)", winnt.FileObject, sid.SID{})
	if err != nil || len(found) == 0 || found[0].Kind != NotStrict || found[0].ACE != -1 {
		t.Errorf("%v, %v", found, err)
	}
	if found, err := Text("O:BAG:SYD:(A;;FR;;;BA)", winnt.FileObject, sid.SID{}); err != nil || len(found) != 0 {
		t.Errorf("%v, %v", found, err)
	}
	if _, err := Text("O:BAG", winnt.FileObject, sid.SID{}); err == nil {
		t.Error("what is no SDDL has findings")
	}
}

package audit_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestFromUTF16: a pair is one character, a half of one is kept in its three bytes, beside
// whatever it stands.
func TestFromUTF16(t *testing.T) {
	for _, c := range []struct {
		units []uint16
		want  string
	}{
		{nil, ""}, {[]uint16{'a', 0xE9, 0x20AC}, "aé€"}, {[]uint16{0xD83D, 0xDE00}, "\U0001F600"},
		{[]uint16{0xD800, 0xDC00}, "\U00010000"}, {[]uint16{0xDBFF, 0xDFFF}, "\U0010FFFF"},
		{[]uint16{'a', 0xD83D, 0xDE00, 'b', 0xD83D, 0xDE01}, "a\U0001F600b\U0001F601"},
		{[]uint16{0xD83D}, "\xed\xa0\xbd"}, {[]uint16{0xDE00}, "\xed\xb8\x80"},
		{[]uint16{0xDE00, 0xD83D}, "\xed\xb8\x80\xed\xa0\xbd"}, {[]uint16{0xD83D, 'a'}, "\xed\xa0\xbda"},
		{[]uint16{0xD83D, 0xD83D, 0xDE00}, "\xed\xa0\xbd\U0001F600"}, {[]uint16{0xD7FF, 0xE000}, "\ud7ff\ue000"},
	} {
		if got := audit.FromUTF16(c.units); got != c.want {
			t.Errorf("%x: %q, want %q", c.units, got, c.want)
		}
	}
}

// TestLongestTexts: a text of 4096 bytes is shown, one of 4097 is not: an entry, a descriptor, and the
// attributes of a file.
func TestLongestTexts(t *testing.T) {
	file := audit.Object{Type: "File"}
	marked := func(n int) string { // a descriptor whose attributes take n bytes in a record
		const form = `(RA;;;;;WD;("",TS,0x0,"x"))`
		return "O:SYG:SYD:" + strings.Replace("S:"+form, `("`, `("`+strings.Repeat("n", n-len("S:AI"+form)), 1)
	}
	for _, c := range []struct {
		size        int
		long, list2 bool
	}{{4095, false, false}, {4096, false, false}, {4097, true, false}} {
		entry := strings.Repeat("x", c.size)
		e := audit.HandleRequested(audit.Origin{}, file, audit.HandleRequest{Access: 1,
			Reasons: []audit.Reason{{Bits: 1, Code: 1801, Entry: entry}}})
		if got := strings.HasSuffix(field(t, e, "AccessReason"), "%%1828\r\n\t\t\t\t"); got != c.long {
			t.Errorf("an entry of %d bytes is too long: %t", c.size, got)
		}
		e = audit.ObjectAccessed(audit.Origin{}, file, 1, sddl.MustParse(marked(c.size)))
		text := field(t, e, "ResourceAttributes")
		if (text == "%%1829") != c.long || !c.long && len(text) != c.size {
			t.Errorf("attributes of %d bytes: %d bytes %.40s", c.size, len(text), text)
		}
		const form = `S:(RA;;;;;WD;("",TS,0x0,"x"))`
		d := sddl.MustParse("O:SYG:SYD:" + strings.Replace(form, `("`, `("`+strings.Repeat("n", c.size-len(form)), 1))
		e = audit.AuditSettingsChanged(audit.Origin{}, file, nil, d)
		text = field(t, e, "NewSd")
		if (text == "%%1829") != c.long || !c.long && len(text) != c.size {
			t.Errorf("a descriptor of %d bytes: %d bytes %.40s", c.size, len(text), text)
		}
	}
	// The limit is of all attributes together.
	two := `(RA;;;;;WD;("` + strings.Repeat("n", 2000) + `",TS,0x0,"x"))(RA;;;;;WD;("` + strings.Repeat("m", 2100) +
		`",TS,0x0,"x"))`
	e := audit.ObjectAccessed(audit.Origin{}, file, 1, sddl.MustParse("O:SYG:SYS:"+two))
	if got := field(t, e, "ResourceAttributes"); got != "%%1829" {
		t.Errorf("two attributes: %d bytes", len(got))
	}
}

// TestLongestNames: a name keeps 32767 bytes, or as many whole characters as leave room for the
// mark behind them.
func TestLongestNames(t *testing.T) {
	for _, character := range []string{"x", "é", "€", "\U0001F600"} {
		for shift := range 4 {
			name := strings.Repeat("y", shift) + strings.Repeat(character, 40000/len(character))
			got := field(t, audit.HandleClosed(audit.Origin{ProcessID: 8, ProcessName: name}, audit.Object{}), "ProcessName")
			kept, cut := strings.CutSuffix(got, "…")
			if !cut || len(got) > 32767 || len(got)+len(character) <= 32767-1 || !strings.HasPrefix(name, kept) ||
				(len(kept)-shift)%len(character) != 0 {
				t.Errorf("%q after %d bytes: %d bytes that end in %q", character, shift, len(got), got[len(got)-8:])
			}
		}
	}
}

// TestPolicyRefusesUnknownBits: in what an account's policy takes away as in what it adds.
func TestPolicyRefusesUnknownBits(t *testing.T) {
	for _, v := range []audit.UserSetting{{Include: 4}, {Exclude: 4}, {Include: 1, Exclude: 0x80}} {
		_, err := audit.NewPolicy(audit.PolicySpec{Users: map[sid.SID]map[audit.Subcategory]audit.UserSetting{
			userU: {audit.Logon: v}}})
		if err == nil || !strings.Contains(err.Error(), "unknown bits") {
			t.Errorf("%+v: %v", v, err)
		}
	}
	if p, err := audit.NewPolicy(audit.PolicySpec{Options: audit.Options{CrashOnAuditFail: audit.AuditFailed}}); err != nil ||
		p.Options().CrashOnAuditFail != audit.AuditFailed {
		t.Errorf("the last value of CrashOnAuditFail: %v", err)
	}
}

// TestReasonsOfRules: a privilege and a central access rule stand in the name of a reason, an entry
// in its text, and each says whether it granted.
func TestReasonsOfRules(t *testing.T) {
	r := access.Request{Descriptor: sddl.MustParse("O:SYG:SYD:(A;;0x3;;;WD)S:(SP;;;;;S-1-17-1)"),
		Subject: access.Subject{Primary: tokenU(t)}, Desired: winnt.ACCESS_SYSTEM_SECURITY, Type: winnt.FileObject}
	_, x, err := access.Explain(&r)
	if err != nil {
		t.Fatal(err)
	}
	if got := audit.Reasons(&r, x); len(got) != 1 || got[0] != (audit.Reason{Bits: winnt.ACCESS_SYSTEM_SECURITY,
		Code: 1810, Name: "SeSecurityPrivilege"}) {
		t.Errorf("a privilege that is missing: %+v", got)
	}
	for _, c := range []struct {
		why  access.BitReason
		want audit.Reason
	}{
		{access.BitReason{Bit: 1, Granted: true, Reason: access.Reason{Kind: access.CentralAccessRule, Name: "F"}},
			audit.Reason{Bits: 1, Code: 1813, Name: "F"}},
		{access.BitReason{Bit: 2, Reason: access.Reason{Kind: access.CentralAccessRule, Name: "F"}},
			audit.Reason{Bits: 2, Code: 1814, Name: "F"}},
		{access.BitReason{Bit: 2, Granted: true, Reason: access.Reason{Kind: access.Privilege,
			Privilege: winnt.SeBackupPrivilege}}, audit.Reason{Bits: 2, Code: 1801, Name: "SeBackupPrivilege"}},
		{access.BitReason{Bit: 1, Reason: access.Reason{Kind: access.AceAllow, List: "DACL"}},
			audit.Reason{Bits: 1, Code: 1801, Entry: "D:(A;;LC;;;WD)"}},
		{access.BitReason{Bit: 1, Reason: access.Reason{Kind: access.AceAllow, List: "DACL", Index: 9}},
			audit.Reason{Bits: 1, Code: 1801}},
		{access.BitReason{Bit: 4, Reason: access.Reason{Kind: access.PreviouslyGranted}}, audit.Reason{Bits: 4, Code: 1809}},
		{access.BitReason{Bit: 4, Reason: access.Reason{Kind: 99}}, audit.Reason{Bits: 4, Code: 1809}},
	} {
		got := audit.Reasons(&r, &access.Explanation{Reasons: []access.BitReason{c.why}})
		c.want.Entry = strings.Replace(c.want.Entry, "LC", "CCDC", 1) // the descriptor's
		if len(got) != 1 || got[0] != c.want {
			t.Errorf("%+v: %+v, want %+v", c.why, got, c.want)
		}
	}
}

// TestSubcategoriesOfTypes: each type of object has the subcategory of its own.
func TestSubcategoriesOfTypes(t *testing.T) {
	for typ, want := range map[string]audit.Subcategory{"File": audit.FileSystem, "Key": audit.Registry,
		"DirectoryService": audit.DirectoryServiceAccess, "SAM_USER": audit.SAM, "SAM_": audit.SAM, "SAM": audit.KernelObject,
		"Event": audit.KernelObject, "": audit.KernelObject, "file": audit.KernelObject} {
		if got := audit.TypeSubcategory(typ); got != want {
			t.Errorf("U-89: %q is of %s, want %s", typ, got, want)
		}
	}
}

// short is a writer that takes less than it was given and says nothing.
type short struct{ lines []string }

func (s *short) Write(b []byte) (int, error) {
	s.lines = append(s.lines, string(b))
	return len(b) - 1, nil
}

// TestLinesOfAShortWriter: a line of which the writer took a part is lost, and says so.
func TestLinesOfAShortWriter(t *testing.T) {
	w := &short{}
	l := audit.NewLines(w)
	for range 2 {
		if err := l.Write(numbered("")); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("%v", err)
		}
	}
	if l.Lost() != 2 || len(w.lines) != 2 || !strings.HasPrefix(w.lines[1], "\n{") ||
		!strings.Contains(w.lines[1], `"AuditsDiscarded":"1"`) {
		t.Errorf("%d lost, %q", l.Lost(), w.lines)
	}
}

// TestRecordsThatAreNoLines: what no record is written as is refused, wherever it stands.
func TestRecordsThatAreNoLines(t *testing.T) {
	line := string(audit.HandleRequested(audit.Origin{}, audit.Object{Type: "File"}, audit.HandleRequest{Access: 1,
		Reasons: []audit.Reason{{Bits: 1, Code: 1801}}}).AppendJSON(nil))
	if _, err := audit.ParseEvent([]byte(line)); err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{
		{`"subcategory":"File System"`, `"subcategory":"Nonsense"`}, {`"outcome":"success"`, `"outcome":"Success"`},
		{`"version":1`, `"version":256`}, {`"event":4656`, `"event":65536`}, {`"event":4656`, `"event":-1`},
		{`{"id":0`, `{"id":18446744073709551616`}, {`{"id":0`, `{"id":`}, {`["%%4416"]`, `[]`},
		{`["%%4416"]`, `["%%4416",]`}, {`["%%4416"]`, `["%%4416""%%4417"]`}, {`"bit":"0x1"`, `"bit":"0x100000000"`},
		{`"bit":"0x1"`, `"bit":"one"`}, {`"code":"%%4416"`, `"code":"4416"`}, {`"code":"%%4416"`, `"code":"%%65536"`},
		{`"reason":"%%1801"`, `"reason":"1801"`}, {`"chain":""`, `"chain":"0"`}, {`"chain":""`, `"chain":"zz"`},
		{`"ace":""}`, `"ace":"",}`}, {`"chain":""}`, `"chain":""}}`}, {`"chain":""}`, `"chain":""} `},
		{`"text":"ReadData"`, `"text":"Read`}, {`"access":[{`, `"access":[{"bit":"0x1"},{`},
		{`"SubjectUserSid":`, `"SubjectUserSid" :`}, {`"time":"1601-01-01T00:00:00Z"`, `"time":"1601-01-01T00:00:00"`},
	} {
		wrong := strings.Replace(line, c[0], c[1], 1)
		if wrong == line {
			t.Fatalf("%s has no %s", line, c[0])
		}
		if e, err := audit.ParseEvent([]byte(wrong)); err == nil || e.ID != 0 {
			t.Errorf("%s for %s is taken: %v", c[1], c[0], e)
		}
	}
	for _, good := range [][2]string{{`{"id":0`, `{"id":18446744073709551615`}, {`"event":4656`, `"event":65535`},
		{`"version":1`, `"version":255`}, {`"bit":"0x1"`, `"bit":"0x80000000"`}, {`"reason":"%%1801"`, `"reason":""`},
		{`"reason":"%%1801"`, `"reason":"%%65535"`}, {`"chain":""`, `"chain":"00ff"`}} {
		text := strings.Replace(line, good[0], good[1], 1)
		if e, err := audit.ParseEvent([]byte(text)); err != nil || string(e.AppendJSON(nil)) != text {
			t.Errorf("%s: %v, written as %s", text, err, e.AppendJSON(nil))
		}
	}
}

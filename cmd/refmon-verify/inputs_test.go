package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	testcheck "github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	tokens "github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestNumbersAreDecimalOr0xHex checks that numbers are decimal, or hexadecimal after 0x, and that no other syntax is
// accepted.
func TestNumbersAreDecimalOr0xHex(t *testing.T) {
	for text, want := range map[string]uint64{"0": 0, "7": 7, "10": 10, "18446744073709551615": 1<<64 - 1, "0x0": 0,
		"0xff": 255, "0XFF": 255, "0xffffffffffffffff": 1<<64 - 1} {
		testcheck.Equal(t, numeral(text, 64), want, "%s", text)
	}
	for _, text := range []string{"", "+1", "-1", " 1", "1 ", "01", "0b1", "0o7", "1_0", "0x", "0x1_0", "1.0", "1e3", "x",
		"18446744073709551616", "0x10000000000000000", "0x1g"} {
		func() {
			defer func() { _ = recover() }()
			t.Errorf("%q was parsed as %d, want a refusal", text, numeral(text, 64))
		}()
	}
	for _, text := range []string{"0X00000001", "0x0000000A", "0x1", "0x000000001", "0000000001"} {
		func() {
			defer func() { _ = recover() }()
			t.Errorf("the mask %q was parsed as %v, want a refusal", text, parseMask(text))
		}()
	}
	func() {
		defer func() { _ = recover() }()
		t.Errorf("a number of 33 bits was parsed as %d, want a refusal", numeral("4294967296", 32))
	}()
	func() {
		defer func() { _ = recover() }()
		t.Errorf("the integer +1 was parsed as %q, want a refusal", fileValue("int64", "+1", ""))
	}()
	func() {
		defer func() { _ = recover() }()
		value, _ := storedValue(6, "\x02"+strings.Repeat("\x00", 7))
		t.Errorf("a boolean of 2 was parsed as %q, want a refusal", value)
	}()
	testcheck.That(t, signed(math.MinInt64) < signed(-10) && signed(-10) < signed(-9) && signed(-1) < signed(0) &&
		unsigned("i", 9) < unsigned("i", 10),
		"keys of integers do not sort like their values: %q, %q", unsigned("i", 9), unsigned("i", 10))
}

// TestListWithoutFlagIsNotRead checks that a list counts only if its control flag is set ([MS-DTYP] 2.4.6).
func TestListWithoutFlagIsNotRead(t *testing.T) {
	b := sddl.MustParse("O:BAD:P(A;;1;;;WD)S:(AU;SA;1;;;WD)").Binary()
	for flags, want := range map[byte][2]bool{0x14: {true, true}, 0x10: {true, false}, 4: {false, true}, 0: {}} {
		b[2] = flags
		_, sacl, dacl := parseDescriptor(string(b))
		testcheck.Equal(t, [2]bool{sacl != nil, dacl != nil}, want, "flags %#x: a SACL and a DACL", flags)
	}
}

// answers are certificates with their inputs.
type answers []sample

// ask runs one request with a token file and verifies the certificate of its answer. It returns the certified
// decision, or "" if the parser rejects the token file.
func (l *answers) ask(t *testing.T, name, file, descriptor string, r access.Request) string {
	t.Helper()
	client, err := tokens.Parse([]byte(file))
	if err != nil {
		return ""
	}
	if r.Descriptor, err = sddl.Parse(descriptor); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	r.Subject = access.Subject{Primary: client}
	if r.Type == nil {
		r.Type = winnt.FileObject
	}
	_, x, err := access.Explain(&r)
	testcheck.RequireThat(t, err == nil, "%s: %v", name, err)
	cert, err := x.Certificate(&r, []byte(file))
	testcheck.RequireThat(t, err == nil, "%s: %v", name, err)
	*l = append(*l, sample{cert, r.Descriptor.Binary(), []byte(file)})
	outcome, err := verify(string(cert), string(r.Descriptor.Binary()), file)
	testcheck.That(t, err == nil, "%s: verifying the certificate: %v, want it accepted\n%s\n%s", name, err, file, cert)
	return outcome
}

// python verifies one in so many certificates with the Python verifier, and a quarter of those unless the run is deep.
func (l answers) python(t *testing.T, in int) {
	t.Helper()
	if !randtest.Deep() {
		in *= 4
	}
	for i := range len(l) / in {
		l[i] = l[i*in]
	}
	l = l[:len(l)/in]
	for i, verdict := range pythonVerdicts(t, l) {
		testcheck.That(t, verdict == "true", "Python verdict %s, want true\n%s\n%s", verdict, l[i].token, l[i].cert)
	}
}

// everyGroup has a SID in each way in which a list holds it, and another SID.
func everyGroup(s string) (out []string) {
	out = append(out, `"BG"`, fmt.Sprintf("%q", s), fmt.Sprintf(`{"sid":%q}`, s),
		fmt.Sprintf(`{"sid":%q,"attributes":null}`, s))
	words := []string{"Mandatory", "EnabledByDefault", "Enabled", "UseForDenyOnly", "Owner", "Integrity",
		"IntegrityEnabled", "Resource", "LogonId"}
	var sets [][]string
	for i, w := range words {
		sets = append(sets, []string{w})
		for _, also := range words[i+1:] {
			sets = append(sets, []string{w, also})
		}
	}
	sets = append(sets, nil, words[:3], []string{"Mandatory", "EnabledByDefault", "Enabled", "Owner"})
	for _, set := range sets {
		list := ""
		if set != nil {
			list = `"` + strings.Join(set, `","`) + `"`
		}
		out = append(out, fmt.Sprintf(`{"sid":%q,"attributes":[%s]}`, s, list))
	}
	return out
}

// TestTokenListsAreEvaluatedAsByAccessCheck checks that the verifier evaluates the members of each list of a token
// file as the access check does, whatever their attributes, for allow and deny entries and for conditions (A-1 to
//
func TestTokenListsAreEvaluatedAsByAccessCheck(t *testing.T) {
	var all answers
	const g, u, capability = "S-1-5-21-1-2-3-2001", "S-1-5-21-1-2-3-1001", "S-1-15-3-1"
	entries := func(s string) string {
		return fmt.Sprintf("O:BAG:BAD:(D;;0x1;;;%[1]s)(A;;0x3;;;%[1]s)"+
			"(XD;;0x4;;;WD;(Member_of {SID(%[1]s)}))(XA;;0xc;;;WD;(Member_of_any {SID(%[1]s),SID(BG)}))"+
			"(XD;;0x10;;;WD;(Device_Member_of {SID(%[1]s)}))(XA;;0x30;;;WD;(Device_Member_of_any {SID(%[1]s)}))"+
			"(XD;;0x40;;;WD;(Not_Member_of {SID(%[1]s)}))(XA;;0xc0;;;WD;(Not_Device_Member_of {SID(%[1]s)}))"+
			"(A;;0x300;;;WD)(A;;0x200;;;%[1]s)(A;;0x100;;;S-1-15-2-1)", s)
	}
	all.ask(t, "attribute without values", `{"user":"`+u+`","groups":["WD"],"localAttributes":`+
		`[{"name":"a","type":"int64","values":[]}]}`,
		"O:BAG:BAD:(XA;;1;;;WD;(Exists a))(XA;;2;;;WD;(Not_Exists a))", access.Request{Desired: 3})
	for _, l := range []struct{ name, file, sid string }{
		{"user", `{"user":%s,"groups":["WD"]}`, u},
		{"groups", `{"user":"` + u + `","groups":["WD",%s]}`, g},
		{"groups of a restricted token", `{"user":"` + u + `","groups":["WD",%s],"restrictedSids":["WD","` + g + `"]}`, g},
		{"restrictedSids", `{"user":"` + u + `","groups":["WD","` + g + `"],"restrictedSids":["WD",%s]}`, g},
		{"restrictedSids of writing", `{"user":"` + u + `","groups":["WD","` + g +
			`"],"restrictedSids":["WD",%s],"writeRestricted":true}`, g},
		{"deviceGroups", `{"user":"` + u + `","groups":["WD"],"deviceGroups":[%s]}`, g},
		{"deviceGroups of a restricted token", `{"user":"` + u + `","groups":["WD"],"deviceGroups":[%s],` +
			`"restrictedSids":["WD"],"restrictedDeviceGroups":["` + g + `"]}`, g},
		{"restrictedDeviceGroups", `{"user":"` + u + `","groups":["WD"],"deviceGroups":["` + g + `"],` +
			`"restrictedSids":["WD"],"restrictedDeviceGroups":[%s]}`, g},
		{"capabilities", `{"user":"` + u + `","groups":["WD"],"appContainer":{"packageSid":"S-1-15-2-1",` +
			`"capabilities":[%s]}}`, capability},
	} {
		asked, outcomes := 0, []string{}
		for _, member := range everyGroup(l.sid) {
			outcome := all.ask(t, l.name+" "+member, fmt.Sprintf(l.file, member), entries(l.sid),
				access.Request{Desired: winnt.MAXIMUM_ALLOWED})
			if outcome != "" {
				asked++
				outcomes = append(outcomes, outcome)
			}
		}
		slices.Sort(outcomes)
		if outcomes = slices.Compact(outcomes); asked < 20 || len(outcomes) < 2 {
			t.Errorf("%s: %d requests with the outcomes %q, want asked at least 20, len(outcomes) at least 2",
				l.name, asked, outcomes)
		}
	}
	for _, level := range []string{"S-1-19-512", "S-1-19-512-8192", "S-1-19-512-8192-1"} { // the second one is a level
		all.ask(t, level, fmt.Sprintf(`{"user":"%s","groups":["WD"],"trustLevel":"%s"}`, u, level),
			"O:BAG:BAD:(A;;FA;;;WD)S:(TL;;RC;;;S-1-19-512-4096)", access.Request{Desired: winnt.MAXIMUM_ALLOWED})
	}
	for _, flags := range []string{"0", "4"} { // 4: for entries that deny
		all.ask(t, "claim with flags "+flags, `{"user":"`+u+`","groups":["WD"],"userClaims":[{"name":"a","type":"int64",`+
			`"flags":`+flags+`,"values":[1]}]}`, "O:BAG:BAD:(XD;;1;;;WD;(@User.a == 1))(XA;;3;;;WD;(@User.a == 1))"+
			"(XD;;4;;;WD;(@User.a == 2))(A;;4;;;WD)",
			access.Request{Desired: winnt.MAXIMUM_ALLOWED})
	}
	shared := winnt.GenericMapping{Read: 1, Write: 6, Execute: 4, All: 7} // 4 also executes, 2 only writes
	for _, q := range []struct{ file, dacl string }{
		{`"appContainer":{"packageSid":"S-1-15-2-1"},"userClaims":[{"name":"a","type":"int64","values":[1]}]`,
			"(A;;3;;;WD)(XA;;1;;;S-1-15-2-1;(@User.a == 1))"},
		{`"restrictedSids":["BG"],"writeRestricted":true`, "(A;;7;;;WD)"},
		{`"domain":"S-1-5-21-7-8-9","restrictedSids":["DU"]`, "(A;;1;;;WD)(A;;3;;;S-1-5-21-7-8-9-513)"},
		{`"writeRestricted":false`, "(XD;;1;;;WD;(Member_of {}))(XA;;2;;;WD;(Not_Member_of_any {}))(A;;4;;;WD)"},
		{`"writeRestricted":false`, "(A;OICIIO;1;;;OW)(A;;4;;;WD)"},
		{`"userClaims":[{"name":"a","type":"string","flags":2,"values":["A","a"]}]`,
			`(XA;;1;;;WD;(@User.a Any_of {"A"}))(A;;4;;;WD)`},
		{`"userClaims":[{"name":"a","type":"string","values":["x"]},` +
			`{"name":"b","type":"string","flags":2,"values":["X"]}]`,
			"(XA;;1;;;WD;(@User.a == @User.b))(XA;;2;;;WD;(@User.b == @User.a))(A;;4;;;WD)"},
		{`"userClaims":[{"name":"a","type":"boolean","values":[1]}]`, "(XA;;1;;;WD;(@User.a))(A;;4;;;WD)"},
		{`"writeRestricted":false`, `(XA;;1;;;WD;(@Resource.a == 1))(A;;4;;;WD)` +
			`S:(RA;;;;;WD;("a",TI,0,1))(RA;;;;;WD;("A",TI,0,2))`},
	} {
		all.ask(t, q.dacl, `{"user":"`+u+`","groups":["WD"],`+q.file+`}`, "O:"+u+"G:BAD:"+q.dacl,
			access.Request{Desired: winnt.MAXIMUM_ALLOWED, Mapping: &shared})
	}
	all.python(t, 1)
}

// TestIntegrityLevelsAreEvaluatedAsByAccessCheck checks that the verifier evaluates each integrity level as the
// access check does, as a field and as a group, against each label and policy.
func TestIntegrityLevelsAreEvaluatedAsByAccessCheck(t *testing.T) {
	var all answers
	var forms []string
	for _, level := range []string{"Untrusted", "Low", "Medium", "MediumPlus", "High", "System", "Protected", "None", "LW",
		"MP", "SI", "S-1-16-8191", "S-1-16-20480"} {
		forms = append(forms, fmt.Sprintf(`"integrityLevel":%q`, level))
		if strings.HasPrefix(level, "S-") || len(level) == 2 {
			forms = append(forms, fmt.Sprintf(`"groups":[{"sid":%q,"attributes":["Integrity","IntegrityEnabled"]},"WD"]`, level))
		}
	}
	forms = append(forms, `"integrityLevel":null`, `"groups":["WD"]`)
	for _, policy := range []string{`"mandatoryPolicy":null`, `"mandatoryPolicy":[]`, `"mandatoryPolicy":["NoWriteUp"]`,
		`"mandatoryPolicy":["NewProcessMin"]`, `"mandatoryPolicy":["NewProcessMin","NoWriteUp"]`,
		`"mandatoryPolicy":["NoWriteUp"],"privileges":["SeRelabelPrivilege"]`} {
		asked := 0
		for _, form := range forms {
			for _, label := range []string{"", "S:(ML;;NW;;;LW)", "S:(ML;;NRNX;;;ME)", "S:(ML;;NWNRNX;;;HI)",
				"S:(ML;IO;NW;;;SI)(ML;;NR;;;S-1-16-8448)", "S:(ML;;0;;;SI)", "S:(ML;;NWNR;;;S-1-16-16777217)"} {
				file := fmt.Sprintf(`{"user":"SY",%s,%s}`, form, policy)
				if all.ask(t, label, file, "O:BAG:BAD:(A;;GA;;;SY)"+label, access.Request{Desired: winnt.MAXIMUM_ALLOWED}) != "" {
					asked++
				}
			}
		}
		testcheck.That(t, asked >= 80, "%s: %d questions, want at least 80", policy, asked)
	}
	all.python(t, 7)
}

// TestPrivilegesAreEvaluatedAsByAccessCheck checks that the verifier evaluates privileges as the access check does,
// in each syntax of the file, and for exactly the rights that each privilege grants.
func TestPrivilegesAreEvaluatedAsByAccessCheck(t *testing.T) {
	var all answers
	for _, name := range []string{"SeSecurityPrivilege", "SeTakeOwnershipPrivilege", "SeRelabelPrivilege",
		"SeBackupPrivilege", "SeRestorePrivilege", "SeDebugPrivilege"} {
		outcomes := map[string]bool{}
		for _, form := range []string{`[]`, `[%q]`, `[{"name":%q}]`,
			`[{"name":%q,"attributes":[]}]`, `[{"name":%q,"attributes":["EnabledByDefault"]}]`,
			`["SeChangeNotifyPrivilege",%q]`,
			`[{"name":%q,"attributes":["EnabledByDefault","Enabled"]},"SeLockMemoryPrivilege"]`} {
			list := form
			if strings.Contains(form, "%q") {
				list = fmt.Sprintf(form, name)
			}
			file := fmt.Sprintf(`{"user":"S-1-5-21-1-2-3-1001","groups":["WD"],"privileges":%s}`, list)
			for _, desired := range []winnt.AccessMask{winnt.MAXIMUM_ALLOWED, 1, winnt.WRITE_OWNER,
				winnt.ACCESS_SYSTEM_SECURITY, winnt.MAXIMUM_ALLOWED | winnt.WRITE_OWNER,
				winnt.MAXIMUM_ALLOWED | winnt.ACCESS_SYSTEM_SECURITY, winnt.GENERIC_READ, winnt.GENERIC_WRITE,
				winnt.GENERIC_ALL} {
				for intent := range 4 {
					if intent > 0 && (desired == 1 || !strings.HasPrefix(name, "SeBackup") && !strings.HasPrefix(name, "SeRestore")) {
						continue // no right of this question comes by an intent
					}
					r := access.Request{Desired: desired,
						Intent: access.Intent{Backup: intent&1 != 0, Restore: intent&2 != 0}}
					what := fmt.Sprintf("%s, %#x, %+v", list, uint32(desired), r.Intent)
					outcomes[all.ask(t, what, file, "O:BAG:BAD:(A;;0x1;;;WD)", r)] = true
				}
			}
		}
		want := 3 // the right that everybody has, the whole request, and none
		if name == "SeDebugPrivilege" {
			want = 2
		}
		if delete(outcomes, ""); len(outcomes) < want {
			t.Errorf("%s: outcomes %v, want each possible one", name, outcomes)
		}
	}
	all.ask(t, "rights that were granted before", `{"user":"SY","privileges":["SeBackupPrivilege","SeRestorePrivilege"]}`,
		"O:BAG:BAD:", access.Request{Desired: winnt.MAXIMUM_ALLOWED, Previous: winnt.READ_CONTROL | winnt.DELETE,
			Intent: access.Intent{Backup: true, Restore: true}})
	all.ask(t, "a label above the user's level", `{"user":"SY","integrityLevel":"Low",`+
		`"privileges":["SeBackupPrivilege","SeRestorePrivilege"]}`, "O:BAG:BAD:S:(ML;;NWNR;;;HI)", access.Request{
		Desired: winnt.MAXIMUM_ALLOWED, Intent: access.Intent{Backup: true, Restore: true}})
	all.ask(t, "two privileges", `{"user":"SY","privileges":["SeSecurityPrivilege","SeRelabelPrivilege"]}`,
		"O:BAG:BAD:", access.Request{Desired: winnt.WRITE_OWNER | winnt.ACCESS_SYSTEM_SECURITY})
	all.python(t, 7)
}

// TestSIDHasOneRevision checks that a binary SID has revision 1 and at most 15 sub-authorities.
func TestSIDHasOneRevision(t *testing.T) {
	for head, good := range map[string]bool{"\x01\x0f": true, "\x01\x00": true, "\x02\x01": false, "\x01\x10": false} {
		func() {
			defer func() { testcheck.Equal(t, recover() == nil, good, "%x begins a SID", head) }()
			readSID(head + strings.Repeat("\x00", 70))
		}()
	}
}

// TestBytesBehindLastEntryAreIgnored checks that a list has as many entries as its header says. Windows leaves room
// behind them.
func TestBytesBehindLastEntryAreIgnored(t *testing.T) {
	const ace = "\x00\x00\x14\x00\xff\x01\x1f\x00\x01\x01\x00\x00\x00\x00\x00\x05\x12\x00\x00\x00"
	list := parseACL("\x02\x00\x30\x00\x01\x00\x00\x00" + ace + ace)
	testcheck.Equal(t, len(list), 1, "entries")
}

// TestSIDAliasesAreMappedAsByParser checks that the verifier maps each two-letter SID alias as the token file parser
// does, with and without a domain (docs/DESIGN.md).
func TestSIDAliasesAreMappedAsByParser(t *testing.T) {
	domain := sid.MustParse("S-1-5-21-7-8-9")
	read := func(name, domain string) (s string, ok bool) {
		defer func() { ok = recover() == nil }()
		return parseSID(name, domain), true
	}
	known := 0
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			name := string([]rune{a, b})
			for _, d := range []sid.SID{{}, domain} {
				text := ""
				if !d.IsZero() {
					text = d.String()
				}
				want, err := sid.Resolve(name, d)
				if got, ok := read(name, text); ok != (err == nil) || ok && got != want.Binary() {
					t.Errorf("%s of %q: %x, %t, want %x, %v", name, text, got, ok, want.Binary(), err)
				} else if ok {
					known++
				}
			}
		}
	}
	testcheck.Equal(t, domainOf(map[string]any{"user": "S-1-5-18"}), "", "domain of SYSTEM")
	relative := 0 // to a domain, and no SID without one
	for _, s := range aliases {
		if s[0] == '-' {
			relative++
		}
	}
	if relative == 0 || known != len(aliases)-relative {
		t.Errorf("%d aliases are known with and without a domain, %d are relative to one, want %d, at least 1",
			known, relative, len(aliases)-relative)
	}
}

package main

import (
	"os"
	"strings"
	"testing"
)

// TestAccessThroughAShare: the first line says who decided, the share, the object or both, and the exit code says
// what; as JSON, each has a line of its own.
func TestAccessThroughAShare(t *testing.T) {
	workplace(t)
	const none = "DENIED: the share and the object have no right in common"
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("o.jsonl", `{"path":"/r","sd":"O:BAG:SYD:(A;;FR;;;BU)"}`+"\n"+`{"path":"/w","sd":"O:BAG:SYD:(`+
		`A;;0x2;;;BU)"}`+"\n"+
		`{"path":"/n","sd":"O:BAG:SYD:(A;;FA;;;BA)"}`+"\n"+`{"path":"/key","type":"key","sd":"O:BAG:SYD:(A;;KR;;;BU)"}`+"\n")
	write("smb.conf", "[ro]\nvfs objects = acl_xattr\n[rw]\nread only = no\nvfs objects = acl_xattr\n[root]\nadmin "+
		"users = alice\n"+
		"read only = no\nvfs objects = acl_xattr\n[shut]\nvalid users = bob\nvfs objects = acl_xattr\n")
	for _, c := range []struct {
		code  int
		args  string
		lines string // the first lines
	}{
		{0, "/r --share D:(A;;FR;;;BU) -w FR", "GRANTED 0x120089 by the share and the object\n\nshare: GRANTED 0x120089"},
		{0, "/r --share D:(A;;FA;;;BU) -w 0x1", "GRANTED 0x1 by the share and the object\n\nshare: GRANTED 0x1"},
		{1, "/r --share D:(A;;FW;;;BU) -w 0x1", "DENIED by the share\n\nshare: DENIED"},
		{1, "/w --share D:(A;;FR;;;BU) -w 0x1", "DENIED by the object\n\nshare: GRANTED 0x1"},
		{1, "/w --share D:(A;;FW;;;BU) -w 0x1", "DENIED by the share and by the object\n\nshare: DENIED"},
		{0, "/r --share D:(A;;0x1;;;BU)", "GRANTED 0x1 by the share and the object\n"},
		{0, "/r --share D:(A;;0x21;;;BU)", "GRANTED 0x1 by the share and the object\n"},
		{1, "/r --share D:(A;;0x2;;;BU)", none + "\n\nshare: GRANTED 0x2"},
		{1, "/n --share D:(A;;FR;;;BU)", "DENIED by the object\n"}, {1, "/r --share D:(A;;FR;;;BA)", "DENIED by the share\n"},
		{0, "/r /r --share D:(A;;FR;;;BU) -w FR", "/r:\nGRANTED 0x120089 by the share and the object\n"},
		{1, "/r /n /r --share D:(A;;FR;;;BU) -w FR", "/r:\nGRANTED 0x120089 by the share and the object\n"},
		{0, "/r --share smb.conf:ro -w FR", "GRANTED 0x120089 by the share and the object\n\nshare:\n  "},
		{1, "/w --share smb.conf:ro -w 0x2", "DENIED by the share: FILE_WRITE_DATA\n\nshare:\n  "},
		{0, "/w --share smb.conf:rw -w 0x2", "GRANTED 0x2 by the share and the object\n\nshare:\n  "},
		{1, "/r --share smb.conf:rw -w 0x2", "DENIED by the object\n\nshare:\n  "},
		{1, "/r --share smb.conf:ro -w 0x2", "DENIED by the share and by the object\n\nshare:\n  "},
		{1, "/w --share smb.conf:ro", none + "\n\nshare:\n  "}, {0, "/w --share smb.conf:rw",
			"GRANTED 0x2 by the share and the " +
				"object\n"},
		{0, "/n --share smb.conf:root -w 0x2", "GRANTED 0x1f01ff by the share and the object\n"},
		{1, "/n --share smb.conf:shut -w 0x1", "DENIED by the share and by the object\n"},
		{1, "/r --share smb.conf:shut -w 0x1", "DENIED by the share: FILE_READ_DATA\n"},
		{1, "/r --share smb.conf:shut", none},
		{0, "/r --share D:(A;;FR;;;BU) -w FR --json", `{"id":"share","status":"STATUS_SUCCESS","granted":"0x00120089",`},
		{1, "/w --share smb.conf:ro -w 0x2 --json", `{"id":"share","left":"0xfff2fea9","why":[`},
		{0, "/r -w FR --json", `{"id":null,"status":"STATUS_SUCCESS","granted":"0x00120089",`},
		{1, "/r /n -w FR --json", `{"id":"/r","status":"STATUS_SUCCESS","granted":"0x00120089",`},
		{1, "/n /r -w FR", "/n:\nDENIED "}, {0, "/key -w read", "GRANTED 0x20019 "}, {0, "/r -w read", "GRANTED 0x120089 "},
		{2, "/r /w --share D:(A;;FR;;;BU) --json", ""}, {2, "/r /gone -w FR", "/r:\nGRANTED "}, {2, "/gone", ""},
		{2, "/r --share smb.conf:nosuch", ""}, {2, "/r --share nosuch.conf:a", ""},
	} {
		args := append([]string{"access", "-o", "o.jsonl", "-t", "alice.json"}, strings.Fields(c.args)...)
		if strings.Contains(c.args, "smb.conf") { // a configuration is about users of a directory
			write("d.yaml", "users:\n  - {name: alice, sid: S-1-5-21-1-2-3-1107, memberOf: [BU]}\n  - {name: bob, sid: "+
				"S-1-5-21-1-2-3-1108}\n")
			args = append([]string{"access", "-o", "o.jsonl", "-d", "d.yaml", "--as", "alice"}, strings.Fields(c.args)...)
		}
		code, out, errs := asked(args...)
		if code != c.code || !strings.HasPrefix(out, c.lines) || (code == 2) != (errs != "") {
			t.Errorf("%s: exit code %d, want %d\nprinted %q\n want   %q\n said %q", c.args, code, c.code, out, c.lines, errs)
		}
		if n := strings.Count(out, "\n"); strings.HasSuffix(c.args, "--json") && code != 2 && n !=
			max(strings.Count(c.args, "/"), 1+strings.Count(c.args, "--share")) {
			t.Errorf("%s: %d lines: %s", c.args, n, out)
		}
	}
}

// TestDifferencesOfTheRestrictedPass: which claims the restricted pass sees is a difference of two
// restricted tokens (T-67), no list is another thing than an empty one, and of several groups of
// one SID each counts.
func TestDifferencesOfTheRestrictedPass(t *testing.T) {
	t.Chdir(t.TempDir())
	const one, two = `{"name":"u","type":"int64","values":[1]}`, `{"name":"v","type":"int64","values":[2]}`
	const claim = `,"userClaims":[` + one + "," + two + "]"
	const restricted = `{"user":"S-1-5-21-1-2-3-1107","restrictedSids":["WD"]` + claim
	const free = `{"user":"S-1-5-21-1-2-3-1107"` + claim
	u, v := "restricted user claim (\"u\",TI,0x0,1)\n", "restricted user claim (\"v\",TI,0x0,2)\n"
	for _, c := range []struct{ a, b, want string }{
		{restricted + "}", restricted + `,"restrictedUserClaims":[]}`, "- " + u + "- " + v},
		{restricted + "}", restricted + `,"restrictedUserClaims":[` + one + `]}`, "- " + v},
		{restricted + `,"restrictedUserClaims":[` + two + `]}`, restricted + `,"restrictedUserClaims":[` + one + `]}`,
			"- " + v + "+ " + u},
		{restricted + "}", restricted + `,"restrictedUserClaims":[` + two + `,` + one + `]}`, ""},
		{free + "}", free + `,"restrictedUserClaims":[]}`, ""}, // there is no restricted pass
		{`{"user":"BA","groups":[{"sid":"WD","attributes":[]}]}`,
			`{"user":"BA","groups":[{"sid":"WD","attributes":[]},{"sid":"WD","attributes":["UseForDenyOnly"]}]}`,
			"~ group S-1-1-0 UseForDenyOnly and none, was none\n"},
	} {
		for name, text := range map[string]string{"a.json": c.a, "b.json": c.b} {
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		code, out, errs := asked("token", "diff", "a.json", "b.json")
		var got strings.Builder
		for line := range strings.Lines(out) {
			got.WriteString(strings.Join(strings.Fields(line), " ") + "\n")
		}
		want, exit := c.want, 1
		if want == "" {
			want, exit = "the tokens decide alike\n", 0
		}
		if code != exit || errs != "" || got.String() != want {
			t.Errorf("%s\n%s\nexit code %d, %s got\n%s want\n%s", c.a, c.b, code, errs, got.String(), want)
		}
	}
}

// TestTokenDifferences: every part in which two tokens can differ has its line, with what is and what was, the second
// token's first; the other way round each is the opposite.
func TestTokenDifferences(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"a.json": `{"user":"S-1-5-21-1-2-3-1107","groups":["BU","BG",{"sid":"WD","attributes":["UseForDenyOnly"]}],
			"privileges":["SeChangeNotifyPrivilege","SeBackupPrivilege","SeShutdownPrivilege"],"deviceGroups":["DU"],"domain":
			"S-1-5-21-1-2-3","userClaims":[{"name":"u","type":"int64","values":[1]}],"owner":"S-1-5-21-1-2-3-1107",
			"defaultDacl":"D:(A;;GA;;;SY)","integrityLevel":"Low","mandatoryPolicy":["NoWriteUp"]}`,
		"b.json": `{"user":"S-1-5-21-1-2-3-1108","groups":["BU","BO","WD"],"privileges":["SeChangeNotifyPrivilege",
			{"name":"SeBackupPrivilege","attributes":[]},{"name":"SeDebugPrivilege","attributes":[]}],"restrictedSids":["WR"],
			"writeRestricted":true,"type":"Impersonation","impersonationLevel":"Delegation","deviceClaims":[{"name":"d",
			"type":"string","values":["x"]}],"localAttributes":[{"name":"l","type":"uint64","values":[7]}],"userClaims":[
			{"name":"u","type":"int64","values":[2]}],"owner":"S-1-5-21-1-2-3-1108","defaultDacl":"D:(A;;GR;;;SY)",
			"integrityLevel":"High","mandatoryPolicy":["NoWriteUp","NewProcessMin"]}`,
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fields := func(out string) string {
		var b strings.Builder
		for line := range strings.Lines(out) {
			b.WriteString(strings.Join(strings.Fields(line), " ") + "\n")
		}
		return b.String()
	}
	code, out, errs := asked("token", "diff", "a.json", "b.json")
	const want = `~ user S-1-5-21-1-2-3-1108 was S-1-5-21-1-2-3-1107
~ type TokenImpersonation was TokenPrimary
~ level Delegation was none
~ integrity High was Low
~ mandatory policy 0x3 was 0x1
~ restricted true was false
~ write restricted true was false
~ default DACL D:(A;;GR;;;SY) was D:(A;;GA;;;SY)
~ owner S-1-5-21-1-2-3-1108 was S-1-5-21-1-2-3-1107
- group S-1-5-32-546 Guests
- group S-1-16-4096 Low Mandatory Level
+ group S-1-5-32-551 Backup Operators Mandatory EnabledByDefault Enabled
~ group S-1-1-0 Mandatory EnabledByDefault Enabled, was UseForDenyOnly
+ group S-1-16-12288 High Mandatory Level Integrity IntegrityEnabled
+ restricting SID S-1-5-33 WRITE RESTRICTED CODE Mandatory EnabledByDefault Enabled
- device group S-1-5-21-1-2-3-513 Domain Users
~ privilege SeBackupPrivilege disabled, was enabled
- privilege SeShutdownPrivilege
+ privilege SeDebugPrivilege disabled
- user claim ("u",TI,0x0,1)
+ user claim ("u",TI,0x0,2)
+ device claim ("d",TS,0x0,"x")
+ local attribute ("l",TU,0x0,7)
`
	if code != 1 || errs != "" || fields(out) != want {
		t.Errorf("exit code %d, %s\n got\n%s\nwant\n%s", code, errs, fields(out), want)
	}
	_, back, _ := asked("token", "diff", "b.json", "a.json")
	if strings.Count(back, "\n") != strings.Count(out, "\n") {
		t.Errorf("the other way round:\n%s", back)
	}
	for line := range strings.Lines(want) {
		sign, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		what := strings.Fields(rest)
		last := what[len(what)-1]
		opposite := map[string]string{"+": "- ", "-": "+ ", "~": "~ "}[sign]
		// the two change places
		if strings.Contains(rest, "Mandatory") || strings.Contains(rest, "Integrity") || sign == "~" {
			last = ""
		}
		if !strings.Contains(fields(back), opposite+what[0]) || !strings.Contains(back, last) {
			t.Errorf("the other way round %q is missing:\n%s", line, back)
		}
	}
	if code, out, _ := asked("token", "diff", "a.json", "a.json"); code != 0 || out != "the tokens decide alike\n" {
		t.Errorf("exit code %d: %s", code, out)
	}
}

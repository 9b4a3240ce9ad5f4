package main

import (
	"os"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// Two restricted tokens differ if their restricted passes see different claims (T-67) or SIDs. A nil list
// differs from an empty one. Each of several groups with one SID counts, but only the last of several claims.
func TestTokenDiffShowsRestrictedPassClaims(t *testing.T) {
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
		{restricted + `,"restrictedUserClaims":[]}`, free + "}",
			"~ restricted false was true\n- restricting SID S-1-1-0 Everyone\n"},
		{`{"user":"BA","restrictedSids":["WD"]}`, // a SID that a second restriction dropped still denies
			`{"user":"BA","restrictedSids":["WD",{"sid":"BG","attributes":["UseForDenyOnly"]}]}`,
			"+ restricting SID S-1-5-32-546 Guests UseForDenyOnly\n"},
		{`{"user":"BA","userClaims":[` + one + `,{"name":"U","type":"int64","values":[3]}]}`, // the last one counts
			`{"user":"BA","userClaims":[{"name":"U","type":"int64","values":[3]},` + one + `]}`,
			"- user claim (\"U\",TI,0x0,3)\n+ user claim (\"u\",TI,0x0,1)\n"},
		{`{"user":"BA","userClaims":[` + two + `,{"name":"U","type":"int64","values":[3]},` + one + `]}`,
			`{"user":"BA","userClaims":[` + one + `,` + two + `]}`, ""},
		{`{"user":"BA","groups":[{"sid":"WD","attributes":[]}]}`,
			`{"user":"BA","groups":[{"sid":"WD","attributes":[]},{"sid":"WD","attributes":["UseForDenyOnly"]}]}`,
			"~ group S-1-1-0 UseForDenyOnly and none, was none\n"},
		{`{"user":"BA","defaultDacl":"D:(A;;GA;;;SY)"}`, `{"user":"BA","defaultDacl":"D:"}`, // an empty list is one
			"~ default DACL D: was D:(A;;GA;;;SY)\n"},
	} {
		for name, text := range map[string]string{"a.json": c.a, "b.json": c.b} {
			check.NoError(t, os.WriteFile(name, []byte(text), 0o600))
		}
		code, out, errs := runLine("token", "diff", "a.json", "b.json")
		var got strings.Builder
		for line := range strings.Lines(out) {
			got.WriteString(strings.Join(strings.Fields(line), " ") + "\n")
		}
		want, exit := c.want, 1
		if want == "" {
			want, exit = "the tokens decide alike\n", 0
		}
		check.That(t, code == exit && errs == "" && got.String() == want,
			"%s\n%s\nexit code %d, %s got\n%s want\n%s", c.a, c.b, code, errs, got.String(), want)
	}
}

// TestClaimForgesNoLine checks that a claim of a token file can neither add a line to the output nor control the
// terminal.
func TestClaimForgesNoLine(t *testing.T) {
	const plain, claimed = `{"user":"S-1-5-21-1-2-3-1107"}`, `{"user":"S-1-5-21-1-2-3-1107","userClaims":[{"name":"a",` +
		`"type":"string","values":["x\u001b[2J\n+  privilege  y"]}],"defaultDacl":"D:(XA;;GA;;;WD;(@User.a==\"\u001b\"))"}`
	for _, args := range [][]string{{"show", claimed}, {"diff", plain, claimed}, {"diff", claimed, plain}} {
		_, out, errs := runLine(append([]string{"token"}, args...)...)
		check.That(t, strings.Contains(out, "user claim") && strings.Contains(out, "default DACL") && errs == "" &&
			!strings.ContainsRune(out, 0x1b) && !strings.Contains(out, "\n+  privilege  y"), "%q: %q, %q", args, out, errs)
	}
}

// Each part in which two tokens can differ has a line with both values, the second token's first. In the other order
// each line is reversed.
func TestTokenDifferencesHaveBothValues(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"a.json": `{"user":"S-1-5-21-1-2-3-1107","groups":[{"sid":"BU","attributes":["Owner"]},"BG",
			{"sid":"WD","attributes":["UseForDenyOnly"]}],"privileges":["SeChangeNotifyPrivilege","SeBackupPrivilege",
			"SeShutdownPrivilege"],"deviceGroups":["DU"],"domain":"S-1-5-21-1-2-3",
			"userClaims":[{"name":"u","type":"int64","values":[1]}],"owner":"S-1-5-21-1-2-3-1107",
			"defaultDacl":"D:(A;;GA;;;SY)","integrityLevel":"Low","mandatoryPolicy":["NoWriteUp"]}`,
		"b.json": `{"user":"S-1-5-21-1-2-3-1108","groups":[{"sid":"BU","attributes":["Owner"]},"BO","WD"],
			"privileges":["SeChangeNotifyPrivilege",{"name":"SeBackupPrivilege","attributes":[]},
			{"name":"SeDebugPrivilege","attributes":[]}],"restrictedSids":["WR"],
			"writeRestricted":true,"type":"Impersonation","impersonationLevel":"Delegation","deviceClaims":[{"name":"d",
			"type":"string","values":["x"]}],"localAttributes":[{"name":"l","type":"uint64","values":[7]}],"userClaims":[
			{"name":"u","type":"int64","values":[2]}],"owner":"BU","primaryGroup":"WD","defaultDacl":"D:(A;;GR;;;SY)",
			"integrityLevel":"High","mandatoryPolicy":["NoWriteUp","NewProcessMin"]}`,
	} {
		check.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	}
	fields := func(out string) string {
		var b strings.Builder
		for line := range strings.Lines(out) {
			b.WriteString(strings.Join(strings.Fields(line), " ") + "\n")
		}
		return b.String()
	}
	code, out, errs := runLine("token", "diff", "a.json", "b.json")
	const want = `~ user S-1-5-21-1-2-3-1108 was S-1-5-21-1-2-3-1107
~ type TokenImpersonation was TokenPrimary
~ level Delegation was none
~ integrity High was Low
~ mandatory policy 0x3 was 0x1
~ restricted true was false
~ write restricted true was false
~ default DACL D:(A;;GR;;;SY) was D:(A;;GA;;;SY)
~ owner S-1-5-32-545 was S-1-5-21-1-2-3-1107
~ primary group S-1-1-0 was S-1-5-32-545
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
	_, back, _ := runLine("token", "diff", "b.json", "a.json")
	check.That(t, strings.Count(back, "\n") == strings.Count(out, "\n"),
		"reversed comparison:\n%s, want the same number of lines", back)
	for line := range strings.Lines(want) {
		sign, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		what := strings.Fields(rest)
		last := what[len(what)-1]
		opposite := map[string]string{"+": "- ", "-": "+ ", "~": "~ "}[sign]
		// the two change places
		if strings.Contains(rest, "Mandatory") || strings.Contains(rest, "Integrity") || sign == "~" {
			last = ""
		}
		check.That(t, strings.Contains(fields(back), opposite+what[0]) && strings.Contains(back, last),
			"reversed comparison lacks %q:\n%s, want it", line, back)
	}
	if code, out, _ := runLine("token", "diff", "a.json", "a.json"); code != 0 || out != "the tokens decide alike\n" {
		t.Errorf("exit code %d: %s, want 0, %q", code, out, "the tokens decide alike\n")
	}
}

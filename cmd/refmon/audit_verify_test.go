package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// Every given checkpoint and key is used, and a range is respected. A fault gives exit code 3, an invalid command
// line 2 (U-72).
func TestAuditVerifyUsesEachCheckpointAndKey(t *testing.T) {
	dir := newTrail(t, 2_000)
	other := newTrail(t, 0)
	point, foreign := filepath.Join(dir, "checkpoint"), filepath.Join(other, "checkpoint")
	key, foreignKey := filepath.Join(dir, "key.pub"), filepath.Join(other, "key.pub")
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"", 0, "(?m)^intact: records 1 to 12, .*\n(?s).*not known: .*--checkpoint FILE.*not known: .*--key FILE"},
		{"--checkpoint " + point, 0, "1 of 1 checkpoints from elsewhere"},
		{"--checkpoint " + point + " --checkpoint " + point, 0, "2 of 2 checkpoints from elsewhere"},
		{"--checkpoint " + foreign, 3, "^BROKEN: signature: "},
		{"--checkpoint " + foreign + " --checkpoint " + point, 3, "^BROKEN: signature: "},
		{"--checkpoint " + point + " --checkpoint " + foreign, 3, "^BROKEN: signature: "},
		{"--key " + key, 0, "^intact: records 1 to 12"}, {"--key " + foreignKey, 3, "^BROKEN: signature: "},
		{"--key " + key + " --key " + foreignKey, 0, "^intact"}, {"--key " + foreignKey + " --key " + key, 0,
			"^intact"},
		{"--from 12", 0, "^intact: records ([2-9]|1[0-2]) to 12"}, {"--from 1", 0, "^intact: records 1 to 12"},
		{"--to 3", 0, "^intact: records 1 to 12"},
		{"--key " + filepath.Join(dir, "none"), 2, "none"}, {"--checkpoint " + filepath.Join(dir, "none"), 2,
			"none"},
		{"--key " + key + ",b", 2, "key.pub,b: "}, {"--checkpoint " + point + ",b", 2, "checkpoint,b: "},
		{"--checkpoint " + key, 2, "key.pub is not a signed checkpoint"},
		{"--key " + point, 2, "."}, {"--from x", 2, "."}, {"--from 12 --to 3", 2, "--from 12 is after --to 3"},
	} {
		code, out, errs := runLine(append([]string{"audit", "verify", dir}, strings.Fields(c.args)...)...)
		text := out
		if c.code == 2 {
			text = errs
		}
		check.That(t, code == c.code && regexp.MustCompile(c.want).MatchString(text) && (c.code == 2) == (out == ""),
			"%s: exit code %d, want %d and %s\n%s%s", c.args, code, c.code, c.want, out, errs)
	}
	code, out, errs := runLine("audit", "verify", filepath.Join(dir, "none"))
	check.That(t, code == 2 && strings.Contains(errs, "none: no such file"), "missing folder: %d, %s%s", code, out, errs)
	if _, out, _ := runLine("audit", "verify", dir, "--key", key); strings.Contains(out, "--key FILE") {
		t.Errorf("verify --key reports that the key came from the folder:\n%s, want text without \"--key FILE\"", out)
	}
	for args, want := range map[string]int{"1": 0, "12": 0, "13": 2, "0": 2, "": 2, "--since " + point: 0,
		"1 --since " + point: 2,
		"--since " + foreign: 2, "--since " + key: 2, "--since " + filepath.Join(dir, "none"): 2} {
		if code, out, errs := runLine(append([]string{"audit", "prove", dir},
			strings.Fields(args)...)...); code != want || (code == 0) != (out != "") {
			t.Errorf("prove %s: exit code %d, want %d\n%s%s", args, code, want, out, errs)
		}
	}
}

// An intruder may remove the oldest records with their segments. The log itself would have recorded the removal, so
// verify and report do not accept such a log. The log's key lies outside its folder (U-67, U-72).
func TestUnrecordedRemovalIsReported(t *testing.T) {
	dir, page := newTrail(t, 2_000), filepath.Join(t.TempDir(), "page.html")
	key := filepath.Join(t.TempDir(), "key.pub")
	check.NoError(t, os.Rename(filepath.Join(dir, "key.pub"), key))
	const missing = "records 1 to 5 are missing, and no record says that the log removed them"
	for _, removed := range []bool{false, true} {
		if removed {
			check.NoError(t, os.Remove(filepath.Join(dir, "audit-0000000000000001.log")))
		}
		for args, want := range map[string]string{
			"verify": "--key FILE", "report -o " + page: "--key FILE", "verify --from 12 --key " + key: "",
			"verify --key " + key:                 missing,
			"verify --from 1 --key " + key:        "--from 1: the oldest record is 6",
			"verify --to 5 --key " + key:          "--to 5: the oldest record is 6",
			"report --key " + key + " -o " + page: missing,
		} {
			if !removed && strings.Contains(args, "--key") {
				want = ""
			}
			verb, flags, _ := strings.Cut(args, " ")
			code, out, errs := runLine(append([]string{"audit", verb, dir}, strings.Fields(flags)...)...)
			check.That(t, (code == 2) == (want != "") && strings.Contains(errs, want),
				"%s, removed %t: exit code %d, want %q\n%s%s", args, removed, code, want, out, errs)
		}
		b := check.Must(os.ReadFile(page))
		check.That(t, strings.Contains(string(b), `<b class="good">intact</b>`) == !removed &&
			strings.Contains(string(b), "1 to 5, which are missing") == removed, "removed %t: report\n%s", removed, b)
	}
}

// audit key replaces neither a key nor a public key, which may be the only copy that verifies a log.
func TestAuditKeyReplacesNoFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "audit.key")
	for _, existing := range []string{file, file + ".pub"} {
		check.NoError(t, os.WriteFile(existing, []byte("mine"), 0o600))
		code, out, errs := runLine("audit", "key", file, "--name", "host.example/audit")
		check.That(t, code == 2 && out == "" && strings.Contains(errs, existing) &&
			strings.Contains(errs, "exists"), "with %s: exit code %d\n%s%s, want 2", existing, code, out, errs)
		check.Equal(t, string(check.Must(os.ReadFile(existing))), "mine", "content of %s", existing)
		check.NoError(t, os.Remove(existing))
	}
	code, out, errs := runLine("audit", "key", file, "--name", "host.example/audit")
	check.That(t, code == 0 && strings.Contains(out, file+".pub"), "a new key: exit code %d\n%s%s", code, out, errs)
}

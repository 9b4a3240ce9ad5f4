package main

import (
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
		{"--checkpoint " + key, 2, "key.pub is not a signed checkpoint"},
		{"--key " + point, 2, "."}, {"--from x", 2, "."},
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

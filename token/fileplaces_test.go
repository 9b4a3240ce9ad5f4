package token_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestPlacesOfRefusals: what a token cannot have is told at the place where the file has it, for each
// field that stands alone.
func TestPlacesOfRefusals(t *testing.T) {
	const head = `{"user":"S-1-5-21-1-2-3-1107","type":"Impersonation",`
	const owner, primary = `"owner":"S-1-5-21-1-2-3-1107",`, `"primaryGroup":"S-1-5-21-1-2-3-1107",`
	const trust = `"trustLevel":"S-1-19-512-8192",`
	for _, c := range []struct{ before, wrong, path string }{
		{"", `"owner":"S-1-5-21-1-2-3-1108"`, "owner"},
		{owner, `"primaryGroup":"S-1-5-21-1-2-3-1108"`, "primaryGroup"},
		{owner + primary, `"integrityLevel":"S-1-5-21-1-2-3-1108"`, "integrityLevel"},
		{primary + trust, `"owner":"S-1-5-21-1-2-3-1108"`, "owner"},
		{owner + trust, `"primaryGroup":"S-1-5-21-1-2-3-1108"`, "primaryGroup"},
		{owner + primary, `"trustLevel":"S-1-5-18"`, "trustLevel"},
		{owner + primary + trust, `"appContainer":{"packageSid":"S-1-5-18"}`, "appContainer.packageSid"},
	} {
		text := head + c.before + c.wrong + "}"
		_, err := token.Parse([]byte(text))
		var e *token.FileError
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", c.wrong, err)
			continue
		}
		value := strings.LastIndex(text, `:"`) + 1
		if e.Path != c.path || e.Offset != value {
			t.Errorf("%s: %s at byte %d, want %s at byte %d", c.wrong, e.Path, e.Offset, c.path, value)
		}
	}
}

// TestElevationInFiles: each type of elevation is written by its name, but for the default one, and
// read back.
func TestElevationInFiles(t *testing.T) {
	for elevation, want := range map[uint32]string{winnt.TokenElevationTypeDefault: "",
		winnt.TokenElevationTypeFull:    `"elevationType":"Full"`,
		winnt.TokenElevationTypeLimited: `"elevationType":"Limited"`} {
		spec := token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1107"))
		spec.ElevationType = elevation
		tok := must(t, spec)
		file, err := tok.MarshalJSON()
		if err != nil || strings.Contains(string(file), "elevationType") != (want != "") ||
			!strings.Contains(string(file), want) {
			t.Errorf("%d: %s, %v, want %s", elevation, file, err, want)
		}
		if again := parse(t, string(file)); again.Spec().ElevationType != elevation {
			t.Errorf("%d is read back as %d", elevation, again.Spec().ElevationType)
		}
	}
}

// TestLogonsWithoutADomain: who is of no domain has no group of one, is the primary group, and shares a
// logon SID with no one else; the owner of an administrator's objects is the group (T-130).
func TestLogonsWithoutADomain(t *testing.T) {
	for text, wants := range map[string]struct{ primary, session string }{
		"S-1-5-21-1-2-3-1001": {"S-1-5-21-1-2-3-513", "S-1-5-5-0-1001"},
		"S-1-5-21-7-2-3-1001": {"S-1-5-21-7-2-3-513", "S-1-5-5-6-1001"},
		"S-1-22-1-1001":       {"S-1-22-1-1001", "S-1-5-5-0-1001"},
		"S-1-5-21-1-2-1001":   {"S-1-5-21-1-2-1001", "S-1-5-5-3-1001"},
		"S-1-5-22-1-2-3-1001": {"S-1-5-22-1-2-3-1001", "S-1-5-5-0-1001"},
		"S-1-6-21-1-2-3-1001": {"S-1-6-21-1-2-3-1001", "S-1-5-5-0-1001"},
	} {
		user := sid.MustParse(text)
		for profile, owner := range map[string]sid.SID{"standard": user, "admin": sid.Administrators} {
			spec := token.StandardUser(user)
			if profile == "admin" {
				spec = token.Administrator(user)
			}
			tok := must(t, spec)
			if tok.PrimaryGroup().String() != wants.primary || !tok.Member(sid.MustParse(wants.session), false) {
				t.Errorf("%s %s: primary group %v, want %s; in %s: %t", profile, text, tok.PrimaryGroup(), wants.primary,
					wants.session, tok.Member(sid.MustParse(wants.session), false))
			}
			if tok.Owner() != owner {
				t.Errorf("%s %s: the owner is %v, want %v", profile, text, tok.Owner(), owner)
			}
		}
	}
}

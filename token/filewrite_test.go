package token_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// MarshalJSON and Parse keep every part of a token.
func TestFileKeepsEveryPart(t *testing.T) {
	full := `{"user":{"sid":"S-1-5-21-1-2-3-1001","attributes":["UseForDenyOnly"]},
 "groups":["WD",{"sid":"BA","attributes":["Owner","EnabledByDefault"]},
  {"sid":"S-1-5-5-0-77","attributes":["Mandatory","Enabled","EnabledByDefault","LogonId"]},
  {"sid":"S-1-16-12288","attributes":["Integrity","IntegrityEnabled"]},"BU"],
 "privileges":["SeChangeNotifyPrivilege",{"name":"SeBackupPrivilege","attributes":["EnabledByDefault"]}],
 "type":"Primary","impersonationLevel":"Identification","mandatoryPolicy":["NoWriteUp"],
 "owner":"BA","primaryGroup":"BU",
 "defaultDacl":"D:(A;;GA;;;BA)(D;OICI;0x12345;;;WD)(0x0a;;0x1;;;WD;#01020304)",
 "restricted":true,"writeRestricted":true,"sandboxInert":true,
 "appContainer":{"packageSid":"S-1-15-2-1-2-3","capabilities":["S-1-15-3-1",
  {"sid":"S-1-15-3-2","attributes":[]}],"lowPrivilege":true,"number":3},
 "userClaims":[{"name":"i","type":"int64","values":[-9223372036854775808,-9007199254740992,
    "9007199254740992",9007199254740993]},
   {"name":"u","type":"uint64","values":[18446744073709551615,9007199254740992,
    9007199254740993]},
  {"name":"b","type":"boolean","values":[true,false]},
   {"name":"s","type":"string","values":["a\"\\\u00e9\ud83d\ude00","\n<&>"],"flags":65538},
  {"name":"d","type":"sid","values":["BA","DU"]},{"name":"x","values":["00ff",""],"type":"octets"}],
 "deviceClaims":[{"name":"i","values":[7],"type":"int64"}],
  "localAttributes":[{"name":"WIN://X","type":"uint64","values":[1]}],
 "deviceGroups":["DC",{"sid":"WD","attributes":["UseForDenyOnly"]}],"restrictedDeviceGroups":["WD"],
 "authenticationId":999,"sessionId":2,"source":"Negot","elevationType":"Limited","trustLevel":"S-1-19-512-8192",
 "parentTokenId":"0x10","modifiedId":"0x11","originatingLogon":"0x12","sourceId":"0x13",
  "expirationTime":134092800000000000,"flags":["UIAccess","IsFiltered"],"dynamicCharged":700}`
	tok := parse(t, full)
	text, err := json.Marshal(tok) // json.Marshal calls MarshalJSON
	check.NoError(t, err)
	check.That(t, strings.Contains(string(text), `"groups":["S-1-1-0",{"sid":"S-1-5-32-544",`),
		"a group with the attributes of a logon is not a SID alone: %s", text)
	check.That(t, strings.Contains(string(text), `"capabilities":["S-1-15-3-1",`),
		"a capability with only the attribute Enabled is not a SID alone: %s", text)
	check.That(t, strings.Contains(string(text), `"type":"uint64","values":["18446744073709551615",9007199254740992,`+
		`"9007199254740993"]`), "unsigned numbers above 2^53 are strings, and 2^53 is not: %s", text)
	check.That(t, strings.Contains(string(text), `"type":"int64","values":["-9223372036854775808",-9007199254740992,`+
		`9007199254740992,"9007199254740993"]`), "signed numbers beyond 2^53 are strings, and the others are not: %s", text)
	check.That(t, strings.Contains(string(text), `"expirationTime":"134092800000000000"`),
		"a time beyond 2^53 is not a string: %s", text)
	for _, values := range []string{`"boolean","values":[true,false]`, `"octets","values":["00ff",""]`,
		`"sid","values":["S-1-5-32-544","S-1-5-21-1-2-3-513"]`} {
		check.That(t, strings.Contains(string(text), `"type":`+values), "want the type and all values %s: %s", values, text)
	}
	again := parse(t, string(text))
	check.That(t, reflect.DeepEqual(normal(tok), normal(again)),
		"after MarshalJSON and Parse: %+v\nwant %+v", normal(again), normal(tok))
	if back, _ := again.MarshalJSON(); fmt.Sprint(parse(t, string(back)).Spec().Groups) != fmt.Sprint(tok.Spec().Groups) {
		t.Errorf("a second round trip changed the groups from %v", tok.Spec().Groups)
	}
	s := tok.Spec()
	check.That(t, len(s.Groups) == 5 && s.Groups[3].Attributes == 0x60 && s.Integrity == sid.HighLevel &&
		s.IsRestricted && len(s.Restricted) == 0 && s.DynamicCharged == 700 && s.ExpirationTime == 134092800000000000 &&
		s.Flags == winnt.TOKEN_UIACCESS|winnt.TOKEN_IS_FILTERED && s.ElevationType == 3 && s.LowBoxNumber == 3 &&
		s.AuthenticationID == 999, "Parse: %+v, want the values of the file", s)
	a, _ := tok.UserClaims().Lookup("s")
	check.That(t, reflect.DeepEqual(a.Strings, []string{"a\"\\é😀", "\n<&>"}) && a.Flags == 0x10002,
		`user claim "s": %q, flags %#x; want its escaped text, flags 0x10002`, a.Strings, a.Flags)
}

// normal formats a token's Spec, with the contents of what its pointers refer to.
func normal(t *token.Token) string {
	s := t.Spec()
	text := func(c *claims.Set) (out []string) {
		for _, a := range c.All() {
			out = append(out, fmt.Sprintf("%s %v %d %v %v %q %v %x",
				a.Name, a.Type, a.Flags, a.Ints, a.Uints, a.Strings, a.SIDs, a.Octets))
		}
		return out
	}
	all := fmt.Sprint(text(s.UserClaims), text(s.DeviceClaims), text(s.LocalAttributes),
		s.DefaultDACL != nil && s.DefaultDACL.Len() > 0)
	if s.DefaultDACL != nil {
		all += fmt.Sprintf("%x", s.DefaultDACL.Binary())
	}
	s.UserClaims, s.DeviceClaims, s.LocalAttributes, s.DefaultDACL = nil, nil, nil, nil
	return fmt.Sprintf("%+v %s", s, all)
}

// After random operations, MarshalJSON and Parse return the same token in every part, and writing it again gives the
// same file.
func TestFileRoundTripsRandomTokens(t *testing.T) {
	d := draws{newRand(t)}
	for range randtest.Count(t, "REFMON_TOKENS", 500) {
		tok := must(t, d.spec(t))
		m := model{Spec: tok.Spec()}
		for range d.IntN(4) {
			if s := d.step(tok, &m); s.after != nil {
				tok = s.after
			}
		}
		file := check.Must(tok.MarshalJSON())
		back, err := token.Parse(file)
		check.RequireThat(t, err == nil, "Parse of %s: %v", file, err)
		got, want := format(back.Spec()), format(tok.Spec())
		check.RequireThat(t, maps.Equal(got, want), "Parse of %s: fields differ: %v", file, differences(got, want))
		if again, err := back.MarshalJSON(); err != nil || string(again) != string(file) {
			t.Fatalf("second MarshalJSON: %s, %v; want %s", again, err, file)
		}
	}
}

// A restricting SID is written alone, because it has no other attributes. The list says that the token is restricted
// (T-63).
func TestFileWritesRestrictingSIDsAlone(t *testing.T) {
	file := check.Must(parse(t, `{"user":"BU","restrictedSids":["WD"],"restrictedDeviceGroups":["AU"]}`).MarshalJSON())
	check.That(t, strings.Contains(string(file), `"restrictedSids":["S-1-1-0"]`) &&
		strings.Contains(string(file), `"restrictedDeviceGroups":["S-1-5-11"]`) &&
		!strings.Contains(string(file), `"restricted":`) && !strings.Contains(string(file), `"sourceId"`),
		"file of a restricted token: %s", file)
}

// MarshalJSON fails for a text that is not valid UTF-8 instead of describing another token.
func TestFileRejectsInvalidText(t *testing.T) {
	const invalid = "a\xff"
	claim := func(name, value string) *claims.Set {
		return check.Must(claims.NewSet([]claims.Attribute{{Name: name, Type: claims.String, Strings: []string{value}}}))
	}
	for what, change := range map[string]func(*token.Spec){
		"source":                  func(s *token.Spec) { s.Source.Name = invalid },
		"isolation prefix":        func(s *token.Spec) { s.IsolationPrefix = invalid },
		"claim name":              func(s *token.Spec) { s.UserClaims = claim(invalid, "v") },
		"claim value":             func(s *token.Spec) { s.RestrictedUserClaims = claim("n", invalid) },
		"device claim":            func(s *token.Spec) { s.DeviceClaims = claim("n", invalid) },
		"restricted device claim": func(s *token.Spec) { s.RestrictedDeviceClaims = claim(invalid, "v") },
		"local attribute":         func(s *token.Spec) { s.LocalAttributes = claim("n", invalid) },
	} {
		s := setup()
		change(&s)
		text, err := must(t, s).MarshalJSON()
		check.That(t, err != nil, "MarshalJSON of a token with an invalid %s: %s, want an error", what, text)
	}
}

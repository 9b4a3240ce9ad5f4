package token_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

func parse(t testing.TB, text string) *token.Token {
	t.Helper()
	tok, err := token.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// The documented example of the format, field by field.
func TestParseExample(t *testing.T) {
	tok := parse(t, designExample)
	du := account(513)
	if tok.User().SID != account(1107) || tok.Owner() != account(1107) || tok.PrimaryGroup() != du {
		t.Errorf("user %v owner %v primary group %v", tok.User().SID, tok.Owner(), tok.PrimaryGroup())
	}
	if a, _ := attributes(t, tok, du); a != 7 {
		t.Errorf("a bare group has %#x, want Mandatory, EnabledByDefault, Enabled", a)
	}
	if a, _ := attributes(t, tok, account(2001)); a != 0x10 {
		t.Errorf("deny-only group has %#x", a)
	}
	if tok.Present() != winnt.Privileges(winnt.SeChangeNotifyPrivilege, winnt.SeBackupPrivilege) ||
		tok.Enabled() != winnt.SeChangeNotifyPrivilege.Bit() {
		t.Errorf("privileges %v, enabled %v", tok.Present().Names(), tok.Enabled().Names())
	}
	if tok.Type() != winnt.TokenImpersonation || tok.Level() != winnt.SecurityImpersonation || tok.Integrity() != 0x2000 ||
		tok.MandatoryPolicy() != 3 {
		t.Errorf("type %v level %v integrity %#x policy %d", tok.Type(), tok.Level(), tok.Integrity(), tok.MandatoryPolicy())
	}
	if tok.IsRestricted() || !tok.IsAppContainer() || tok.Package() != sid.MustParse("S-1-15-2-1-2-3") ||
		tok.LowPrivilege() || !tok.CapabilityBits().Has(0) {
		t.Error("AppContainer with one capability, not restricted")
	}
	if a, ok := tok.UserClaims().Lookup("department"); !ok || a.Type != claims.String ||
		!reflect.DeepEqual(a.Strings, []string{"Engineering"}) {
		t.Errorf("claim %v", a)
	}
	if tok.AuthenticationID() != 0x3e7 || tok.Source().Name != "User32" || tok.SessionID() != 0 {
		t.Error("authenticationId 0x3e7, source User32, session 0")
	}
	if n := tok.DefaultDACL().Len(); n != 1 {
		t.Errorf("default DACL has %d entries", n)
	}
}

// Defaults as documented: only user is required.
func TestParseDefaults(t *testing.T) {
	tok := parse(t, `{"user":"S-1-5-21-1-2-3-1001"}`)
	if tok.Type() != winnt.TokenPrimary || tok.Level() != 0 || tok.Integrity() != 0x2000 || tok.MandatoryPolicy() != 3 ||
		tok.Owner() != userU || tok.PrimaryGroup() != userU || tok.Present() != 0 || tok.GroupCount() != 1 ||
		tok.IsRestricted() || tok.UserClaims() != nil {
		t.Error("some default is wrong")
	}
	text, err := sddl.Format(sddl.MustParse("D:(A;;GA;;;S-1-5-21-1-2-3-1001)(A;;GA;;;SY)"), sddl.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b, _ := tok.MarshalJSON()
	if !strings.Contains(string(b), text) {
		t.Errorf("default DACL in %s: want %s", b, text)
	}
	tok = parse(t, `{"user":"S-1-5-21-1-2-3-1001","type":"Impersonation","groups":["WD","BU"]}`)
	if tok.Level() != winnt.SecurityImpersonation || tok.PrimaryGroup() != sid.Everyone {
		t.Error("an impersonation token is at level Impersonation; the primary group is the first")
	}
	if tok := parse(t, `{"user":"SY","defaultDacl":"D:NO_ACCESS_CONTROL","integrityLevel":"None",`+
		`"mandatoryPolicy":[]}`); tok.DefaultDACL() != nil || tok.GroupCount() != 0 || tok.MandatoryPolicy() != 0 {
		t.Error("none of them")
	}
}

// A claim's values may stand before its type.
func TestParseValuesFirst(t *testing.T) {
	for typ, values := range map[string]string{"int64": "[-1,2]", "uint64": "[1,18446744073709551615]",
		"boolean": "[true,false]", "string": `["t","f"]`, "sid": `["SY","WD"]`, "octets": `["00ff"]`} {
		text := func(members string) string { return `{"user":"SY","userClaims":[{"name":"a",` + members + `}]}` }
		want, err := parse(t, text(`"type":"`+typ+`","values":`+values)).MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		got, err := parse(t, text(`"values":`+values+`,"type":"`+typ+`"`)).MarshalJSON()
		if err != nil || string(got) != string(want) || !strings.Contains(string(got), typ) {
			t.Errorf("%s first: %s, %v; want %s", values, got, err, want)
		}
	}
}

// Relative aliases count from domain, or from the user's domain.
func TestParseDomain(t *testing.T) {
	for text, want := range map[string]string{
		`{"groups":["DU"],"user":"S-1-5-21-1-2-3-1001"}`:                                 "S-1-5-21-1-2-3-513",
		`{"groups":["DA"],"user":"S-1-5-21-1-2-3-1001","domain":"S-1-5-21-7-8-9"}`:       "S-1-5-21-7-8-9-512",
		`{"domain":"S-1-5-21-7-8-9","user":"LA","groups":["DU"]}`:                        "S-1-5-21-7-8-9-513",
		`{"user":"NS","groups":["S-1-5-32-545"]}`:                                        "S-1-5-32-545",
		`{"user":{"sid":"S-1-5-21-1-2-3-1001"},"groups":[{"attributes":[],"sid":"DG"}]}`: "S-1-5-21-1-2-3-514",
	} {
		tok := parse(t, text)
		if _, ok := attributes(t, tok, sid.MustParse(want)); !ok {
			t.Errorf("%s: no group %s", text, want)
		}
	}
}

// refusals are bad files, the path their error must name, and a part of it.
var refusals = []struct{ text, path, part string }{
	{``, "", "want an object"},
	{`[]`, "", "want an object"},
	{`{}`, "user", "missing"},
	{`{"user":null}`, "user", "missing"},
	{`{"user":"SY"`, "", "want ',' or '}'"},
	{`{"user":"SY",}`, "", "want a field name"},
	{`{"user":"SY"}{`, "", "follows"},
	{`{"user":"SY","user":"BA"}`, "user", "twice"},
	{`{"user":"XX"}`, "user", "XX"},
	{`{"user":7}`, "user", "SID"},
	{`{"user":"SY","colour":1}`, "colour", "unknown field"},
	{`{"user":"SY","User":"SY"}`, "User", "unknown field"},
	{`{"user":"SY","groups":["WD",{"sid":"BA","atributes":[]}]}`, "groups[1].atributes", "unknown field"},
	{`{"user":"SY","groups":["WD",{"sid":"BA","attributes":["enabled"]}]}`, "groups[1].attributes[0]", "Enabled"},
	{`{"user":"SY","groups":["WD",{"attributes":[]}]}`, "groups[1].sid", "missing"},
	{`{"user":"SY","groups":["DU"]}`, "groups[0]", "domain"},
	{`{"user":"SY","groups":"WD"}`, "groups", "array"},
	{`{"user":"SY","groups":["WD" "BA"]}`, "groups", "want ',' or ']'"},
	{`{"user":"SY","groups":[{"sid":"BA","attributes":["Enabled","UseForDenyOnly"]}]}`, "groups[0]",
		"STATUS_INVALID_PARAMETER"},
	{`{"user":"SY","privileges":["SeBackup"]}`, "privileges[0]", "SeBackup"},
	{`{"user":"SY","privileges":["SeBackupPrivilege",{"name":"SeBackupPrivilege"}]}`, "privileges[1].name", "twice"},
	{`{"user":"SY","privileges":[{"name":"SeBackupPrivilege","attributes":["Removed"]}]}`,
		"privileges[0].attributes[0]", "Removed"},
	{`{"user":"SY","type":"primary"}`, "type", "Primary, Impersonation"},
	{`{"user":"SY","impersonationLevel":2}`, "impersonationLevel", "string"},
	{`{"user":"SY","integrityLevel":"medium"}`, "integrityLevel", "Medium"},
	{`{"user":"SY","integrityLevel":"S-1-1-0"}`, "integrityLevel", "S-1-16-x"},
	{`{"user":"SY","mandatoryPolicy":["Off"]}`, "mandatoryPolicy[0]", "NoWriteUp"},
	{`{"user":"SY","owner":"BA"}`, "owner", "STATUS_INVALID_OWNER"},
	{`{"user":"SY","primaryGroup":"BA"}`, "primaryGroup", "STATUS_INVALID_PRIMARY_GROUP"},
	{`{"user":"SY","defaultDacl":"D:(A;;GA;;;"}`, "defaultDacl", "SDDL"},
	{`{"user":"SY","defaultDacl":"O:SYD:(A;;GA;;;SY)"}`, "defaultDacl", "nothing else"},
	{`{"user":"SY","defaultDacl":""}`, "defaultDacl", "want a DACL"},
	{`{"user":"SY","writeRestricted":true}`, "writeRestricted", "restricting"},
	{`{"user":"SY","writeRestricted":"yes"}`, "writeRestricted", "true or false"},
	{`{"user":"SY","restrictedSids":["zz"]}`, "restrictedSids[0]", "zz"},
	{`{"user":"SY","appContainer":{"capabilities":[]}}`, "appContainer.packageSid", "missing"},
	{`{"user":"SY","appContainer":{"packageSid":"WD"}}`, "appContainer.packageSid", "S-1-15-2-x"},
	{`{"user":"SY","appContainer":{"packageSid":"S-1-15-2-1-2","capabilities":["WD"]}}`,
		"appContainer.capabilities[0]", "S-1-15-3-x"},
	{`{"user":"SY","appContainer":{"package":"S-1-15-2-1-2"}}`, "appContainer.package", "unknown field"},
	{`{"user":"SY","userClaims":[{"name":"a","type":"text","values":[]}]}`, "userClaims[0].type", "string"},
	{`{"user":"SY","userClaims":[{"name":"a","type":"int64","values":["1"]}]}`, "userClaims[0].values[0]", "number"},
	{`{"user":"SY","userClaims":[{"name":"a","values":[1,"x"],"type":"int64"}]}`, "userClaims[0].values[1]", "number"},
	{`{"user":"SY","userClaims":[{"name":"a","type":"uint64","values":[1,-1]}]}`, "userClaims[0].values[1]", "number"},
	{`{"user":"SY","userClaims":[{"name":"a","type":"string","values":["x",5]}]}`, "userClaims[0].values[1]", "string"},
	{`{"user":"SY","userClaims":[{"name":"a","type":"boolean","values":[true,"x"]}]}`, "userClaims[0].values[1]", "true"},
	{`{"user":"SY","userClaims":[{"name":"a","type":"sid","values":["WD",7]}]}`, "userClaims[0].values[1]", "string"},
	{`{"user":"SY","userClaims":[{"name":"a","type":"octets","values":["00",7]}]}`, "userClaims[0].values[1]", "string"},
	{`{"user":"SY","userClaims":[{"name":"a","type":"int64"}]}`, "userClaims[0].values", "missing"},
	{`{"user":"SY","userClaims":[{"name":"a","type":"sid","values":["DU"]}]}`, "userClaims[0].values[0]", "domain"},
	{`{"user":"SY","userClaims":[{"name":"a","type":"octets","values":["0"]}]}`, "userClaims[0].values[0]", "hexadecimal"},
	{`{"user":"SY","authenticationId":"logon"}`, "authenticationId", "0x3e7"},
	{`{"user":"SY","sessionId":4294967296}`, "sessionId", "32 bits"},
	{`{"user":"SY","sessionId":1.5}`, "sessionId", "whole number"},
	{`{"user":"SY","sessionId":-1}`, "sessionId", "32 bits"},
	{`{"user":"SY","source":"123456789"}`, "source", "8 bytes"},
	{"{\"user\":\"S\tY\"}", "user", "control character"},
	{`{"user":"\q"}`, "user", "escape"},
	{`{"user":"\ud800"}`, "user", "escape"},
	{"{\"user\":\"\xff\"}", "user", "UTF-8"},
	{`{"user":"SY`, "user", "without an end"},
	{`{"user":"SY","groups":["WD",{"sid":"BA","attributes":null}]}`, "groups[1].attributes", "array"},
	{`{"user":"SY","privileges":[{"name":"SeBackupPrivilege","attributes":null}]}`, "privileges[0].attributes", "array"},
	{`{"user":"SY","userClaims":` + strings.Repeat("[", 200_000),
		"userClaims[0]", "object"},
	{`{"user":"SY","userClaims":[{"name":"a","values":` + strings.Repeat("[", 200_000),
		"userClaims[0].values[0]", "number"},
}

// Every refusal names the field.
func TestParseErrors(t *testing.T) {
	for _, c := range refusals {
		_, err := token.Parse([]byte(c.text))
		var fe *token.FileError
		if !errors.As(err, &fe) {
			t.Errorf("%s: %v, want a *FileError", c.text, err)
			continue
		}
		if fe.Path != c.path || !strings.Contains(err.Error(), c.part) {
			t.Errorf("%s: %v (path %q), want path %q and %q", c.text, err, fe.Path, c.path, c.part)
		}
	}
	// The place is in the file as it is, and the line from the second on is told.
	_, err := token.Parse([]byte("{\"user\":\"SY\",\n \"groups\":[\"WD\",\n  \"no SID\"]}"))
	var fe *token.FileError
	if !errors.As(err, &fe) || fe.Line != 3 || fe.Offset != 33 || !strings.HasSuffix(err.Error(), "(line 3, byte 33)") {
		t.Errorf("%v: %+v, want line 3, byte 33", err, fe)
	}
	_, err = token.Parse([]byte(`{"user":"no SID"}`))
	if !errors.As(err, &fe) || fe.Line != 1 || fe.Offset != 8 || !strings.HasSuffix(err.Error(), "(byte 8)") {
		t.Errorf("%v: %+v, want line 1, byte 8", err, fe)
	}
	_, err = token.Parse([]byte(`{"user":"SY","owner":"BA"}`))
	if !errors.Is(err, ntstatus.InvalidOwner.Err()) {
		t.Errorf("%v must be STATUS_INVALID_OWNER", err)
	}
	if _, err := token.Parse(make([]byte, token.MaxFile+1)); err == nil {
		t.Error("a file above the limit was read")
	}
	many := strings.Repeat(`"WD",`, token.MaxGroups)
	if _, err := token.Parse([]byte(`{"user":"SY","groups":[` + many + `"WD"]}`)); err == nil {
		t.Error("more groups than the limit were read")
	}
}

// Everything a token can hold survives printing and reading.
func TestFileRoundTrip(t *testing.T) {
	full := `{"user":{"sid":"S-1-5-21-1-2-3-1001","attributes":["UseForDenyOnly"]},
 "groups":["WD",{"sid":"BA","attributes":["Owner","EnabledByDefault"]},
  {"sid":"S-1-5-5-0-77","attributes":["Mandatory","Enabled","EnabledByDefault","LogonId"]},
  {"sid":"S-1-16-12288","attributes":["Integrity","IntegrityEnabled"]},"BU"],
 "privileges":["SeChangeNotifyPrivilege",{"name":"SeBackupPrivilege","attributes":["EnabledByDefault"]}],
 "type":"Primary","impersonationLevel":"Identification","mandatoryPolicy":["NoWriteUp"],
 "owner":"BA","primaryGroup":"BU",
 "defaultDacl":"D:(A;;GA;;;BA)(D;OICI;0x12345;;;WD)","restricted":true,"writeRestricted":true,"sandboxInert":true,
 "appContainer":{"packageSid":"S-1-15-2-1-2-3","capabilities":["S-1-15-3-1",
  {"sid":"S-1-15-3-2","attributes":[]}],"lowPrivilege":true,"number":3},
 "userClaims":[{"name":"i","type":"int64","values":[-9223372036854775808,9223372036854775807]},
   {"name":"u","type":"uint64","values":[18446744073709551615]},
  {"name":"b","type":"boolean","values":[true,false]},
   {"name":"s","type":"string","values":["a\"\\\u00e9\ud83d\ude00","\n<&>"],"flags":2},
  {"name":"d","type":"sid","values":["BA","DU"]},{"name":"x","values":["00ff",""],"type":"octets"}],
 "deviceClaims":[{"name":"i","values":[7],"type":"int64"}],
  "localAttributes":[{"name":"WIN://X","type":"uint64","values":[1]}],
 "deviceGroups":["DC",{"sid":"WD","attributes":["UseForDenyOnly"]}],"restrictedDeviceGroups":["WD"],
 "authenticationId":999,"sessionId":2,"source":"Negot","elevationType":"Limited","trustLevel":"S-1-19-512-8192",
 "parentTokenId":"0x10","modifiedId":"0x11","originatingLogon":"0x12","sourceId":"0x13",
  "expirationTime":12345,"flags":["UIAccess","IsFiltered"],"dynamicCharged":700}`
	tok := parse(t, full)
	text, err := json.Marshal(tok) // through the Marshaler
	if err != nil {
		t.Fatal(err)
	}
	again := parse(t, string(text))
	if !reflect.DeepEqual(normal(tok), normal(again)) {
		t.Errorf("was  %+v\nnow  %+v", normal(tok), normal(again))
	}
	if back, _ := again.MarshalJSON(); fmt.Sprint(parse(t, string(back)).Spec().Groups) != fmt.Sprint(tok.Spec().Groups) {
		t.Error("the second trip differs")
	}
	s := tok.Spec()
	if len(s.Groups) != 5 || s.Groups[3].Attributes != 0x60 || s.Integrity != sid.HighLevel ||
		!s.IsRestricted || len(s.Restricted) != 0 || s.DynamicCharged != 700 ||
		s.ExpirationTime != 12345 || s.Flags != winnt.TOKEN_UIACCESS|winnt.TOKEN_IS_FILTERED || s.ElevationType != 3 ||
		s.LowBoxNumber != 3 || s.AuthenticationID != 999 {
		t.Errorf("read as %+v", s)
	}
	a, _ := tok.UserClaims().Lookup("s")
	if !reflect.DeepEqual(a.Strings, []string{"a\"\\é😀", "\n<&>"}) || a.Flags != 2 {
		t.Errorf("string claim %q", a.Strings)
	}
}

// normal is a Spec whose pointers compare by content.
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

// FuzzParse: no input makes the reader panic or run on; what it takes is JSON,
// and prints and reads back as the same token.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		designExample, // the documented example
		`{"user":"SY"}`,
		`{"user":"S-1-5-21-1-2-3-1","groups":["DU",{"sid":"WD","attributes":["UseForDenyOnly"]}]}`,
		`{"user":"SY","userClaims":[{"values":[1,"a",true],"name":"\u0041","type":"int64"}]}`, // values before type
		`{"user":"SY","restricted":true,"integrityLevel":"None","defaultDacl":"D:NO_ACCESS_CONTROL"}`,
		`{"user":"SY","groups":[{"sid":"S-1-16-4096","attributes":["Integrity"]}]}`, // an integrity entry with odd attributes
		`{"user":"SY","userClaims":[{"name":"a","type":"string","values":["\ud83d\ude00\u0000"]}]}`,
		"{\"user\":\"SY\",\r\n\t\"owner\" : null }",
		`{"user":"SY","sessionId":"0x10","authenticationId":007}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		tok, err := token.Parse(file)
		if err != nil {
			return
		}
		if !json.Valid(file) {
			t.Fatalf("read what is no JSON: %q", file)
		}
		text, err := tok.MarshalJSON()
		if err != nil {
			t.Fatalf("cannot print: %v", err)
		}
		again, err := token.Parse(text)
		if err != nil {
			t.Fatalf("cannot read its own text %s: %v", text, err)
		}
		if a, b := normal(tok), normal(again); a != b {
			t.Fatalf("%s\nbecame %s", a, b)
		}
	})
}

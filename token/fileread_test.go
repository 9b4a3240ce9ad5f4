package token_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Parse reads each field of the documented example.
func TestParseReadsDocumentedExample(t *testing.T) {
	tok := parse(t, designExample)
	got := fields(tok.Spec())
	for name, want := range map[string]any{
		"User": token.Group{SID: account(1107)}, "Owner": account(1107), "PrimaryGroup": account(513),
		"Groups": []token.Group{{SID: account(513), Attributes: 7}, {SID: account(2001), Attributes: 0x10},
			{SID: sid.MediumLevel, Attributes: 0x60}},
		"Privileges":        winnt.Privileges(winnt.SeChangeNotifyPrivilege, winnt.SeBackupPrivilege),
		"EnabledPrivileges": winnt.SeChangeNotifyPrivilege.Bit(), "Type": winnt.TokenImpersonation,
		"Level": winnt.SecurityImpersonation, "Integrity": sid.MediumLevel, "MandatoryPolicy": 3, "IsRestricted": false,
		"Package": sid.MustParse("S-1-15-2-1-2-3"), "LowPrivilege": false,
		"Capabilities":     []token.Group{{SID: sid.MustParse("S-1-15-3-1"), Attributes: winnt.SE_GROUP_ENABLED}},
		"AuthenticationID": winnt.LUID(0x3e7), "Source": token.Source{Name: "User32"}, "SessionID": 0,
	} {
		check.Equal(t, got[name], fmt.Sprint(want), "%s", name)
	}
	a, _ := tok.UserClaims().Lookup("department")
	check.SlicesEqual(t, a.Strings, []string{"Engineering"}, "user claim department")
	check.Equal(t, tok.DefaultDACL().Len(), 1, "entries of the default DACL")
}

// Only "user" is required; the other fields have the documented defaults.
func TestParseUsesDocumentedDefaults(t *testing.T) {
	tok := parse(t, `{"user":"S-1-5-21-1-2-3-1001"}`)
	if tok.Type() != winnt.TokenPrimary || tok.Level() != 0 || tok.Integrity() != 0x2000 || tok.MandatoryPolicy() != 3 ||
		tok.Owner() != userU || tok.PrimaryGroup() != userU || tok.Present() != 0 || tok.GroupCount() != 1 ||
		tok.IsRestricted() || tok.UserClaims() != nil {
		t.Errorf("Parse of a user only: %+v, want the documented defaults", tok.Spec())
	}
	text := check.Must(sddl.Format(sddl.MustParse("D:(A;;GA;;;S-1-5-21-1-2-3-1001)(A;;GA;;;SY)"), sddl.Options{}))
	b, _ := tok.MarshalJSON()
	check.That(t, strings.Contains(string(b), text), "default DACL in %s: want %s", b, text)
	tok = parse(t, `{"user":"SY","userClaims":[{"name":"b","type":"boolean","values":[0,true]},
		{"name":"c","values":[1,false],"type":"boolean"}]}`)
	for name, want := range map[string][]uint64{"b": {0, 1}, "c": {1, 0}} {
		claim, _ := tok.UserClaims().Lookup(name)
		check.SlicesEqual(t, claim.Uints, want, "boolean claim %s", name)
	}
	tok = parse(t, `{"user":"S-1-5-21-1-2-3-1001","type":"Impersonation","groups":["WD","BU"]}`)
	check.That(t, tok.Level() == winnt.SecurityImpersonation && tok.PrimaryGroup() == sid.Everyone,
		"level %v, primary group %v; want %v and the first group, %v", tok.Level(), tok.PrimaryGroup(),
		winnt.SecurityImpersonation, sid.Everyone)
	tok = parse(t, `{"user":"S-1-5-21-1-2-3-1001","appContainer":{"packageSid":"S-1-15-2-1"}}`)
	check.Equal(t, tok.DefaultDACL().Len(), 3, "entries of the default DACL: user, system and package")
	check.Equal(t, parse(t, `{"user":"SY","elevationType":"Full"}`).ElevationType(), 2, "elevation type Full")
	tok = parse(t, `{"user":"SY","expirationTime":-0,"userClaims":[{"name":"n","type":"int64","values":[-0,"-1"]}]}`)
	claim, _ := tok.UserClaims().Lookup("n")
	check.SlicesEqual(t, claim.Ints, []int64{0, -1}, "claim with -0 and -1")
	if tok := parse(t, `{"user":"SY","defaultDacl":"D:NO_ACCESS_CONTROL","integrityLevel":"None",`+
		`"mandatoryPolicy":[]}`); tok.DefaultDACL() != nil || tok.GroupCount() != 0 || tok.MandatoryPolicy() != 0 {
		t.Errorf("default DACL %v, %d groups, policy %d; want none, 0, 0", tok.DefaultDACL(), tok.GroupCount(),
			tok.MandatoryPolicy())
	}
}

// refusals are invalid files, with the path that their error must name and a part of its text.
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
	{`{"user":"SY","groups":["WD",{"attributes":["Enabled"]}]}`, "groups[1].sid", "missing"},
	{`{"user":"SY","groups":["DU"]}`, "groups[0]", "domain"},
	{`{"user":"S-1-5-32-546","groups":["DU"]}`, "groups[0]", "domain"}, // two parts, but not an account of a domain
	{`{"user":"SY","groups":"WD"}`, "groups", "array"},
	{`{"user":"SY","groups":["WD" "BA"]}`, "groups", "want ',' or ']'"},
	{`{"user":"SY","groups":[{"sid":"BA","attributes":["Enabled","UseForDenyOnly"]}]}`, "groups[0]",
		"STATUS_INVALID_PARAMETER"},
	{`{"user":"SY","privileges":["SeBackup"]}`, "privileges[0]", "SeBackup"},
	{`{"user":"SY","privileges":["SeBackupPrivilege",{"name":"SeBackupPrivilege"}]}`, "privileges[1].name", "twice"},
	{`{"user":"SY","privileges":[{"name":"SeBackupPrivilege","attributes":["Removed"]}]}`,
		"privileges[0].attributes[0]", "Removed"},
	{`{"user":"SY","privileges":[{"attributes":[]}]}`, "privileges[0].name", "missing"},
	{`{"user":"SY","auditPolicy":7}`, "auditPolicy", "string"},
	{`{"user":"SY","auditPolicy": "zz"}`, "auditPolicy", "hexadecimal digits (byte 28)"},
	{`{"user":"SY","auditPolicy":"000"}`, "auditPolicy", "hexadecimal digits (byte 27)"},
	{`{"user":"SY","type":"primary"}`, "type", "Primary, Impersonation"},
	{`{"user":"SY","impersonationLevel":2}`, "impersonationLevel", "string"},
	{`{"user":"SY","integrityLevel":"medium"}`, "integrityLevel", "Medium"},
	{`{"user":"SY","integrityLevel":"S-1-1-0"}`, "integrityLevel", "S-1-16-x"},
	{`{"user":"SY","mandatoryPolicy":["Off"]}`, "mandatoryPolicy[0]", "NoWriteUp"},
	{`{"user":"SY","owner":"BA"}`, "owner", "STATUS_INVALID_OWNER"},
	{`{"user":"SY","primaryGroup":"BA"}`, "primaryGroup", "STATUS_INVALID_PRIMARY_GROUP"},
	{`{"user":"SY","defaultDacl":"D:(A;;GA;;;"}`, "defaultDacl", "SDDL"},
	{`{"user":"SY","defaultDacl":"O:SYD:(A;;GA;;;SY)"}`, "defaultDacl", "nothing else"},
	{`{"user":"SY","defaultDacl":"G:SYD:(A;;GA;;;SY)"}`, "defaultDacl", "nothing else"},
	{`{"user":"SY","defaultDacl":"D:(A;;GA;;;SY)S:"}`, "defaultDacl", "nothing else"},
	{`{"user":"SY","defaultDacl":""}`, "defaultDacl", "want a DACL"},
	{`{"user":"S-1-5-21","groups":["DU"]}`, "groups[0]", "domain"},
	{`{"user":"SY","writeRestricted":true}`, "writeRestricted", "restricting"},
	{`{"user":"SY","writeRestricted":"yes"}`, "writeRestricted", "true or false"},
	{`{"user":"SY","restrictedSids":["zz"]}`, "restrictedSids[0]", "zz"},
	{`{"user":"SY","appContainer":{"capabilities":[]}}`, "appContainer.packageSid", "missing"},
	{`{"user":"SY","appContainer":{"packageSid":"WD"}}`, "appContainer.packageSid", "S-1-15-2-x"},
	{`{"user":"SY","appContainer":{"packageSid":"S-1-15-2-1-2","capabilities":["WD"]}}`,
		"appContainer.capabilities[0]", "S-1-15-3-x"},
	{`{"user":"SY","appContainer":{"packageSid":"S-1-15-2-1-2","number":4294967296}}`, "appContainer.number", "32 bits"},
	{`{"user":"SY","appContainer":{"packageSid":"S-1-15-2-1-2","lowPrivilege":1}}`, "appContainer.lowPrivilege", "true"},
	{`{"user":"SY","appContainer":{"package":"S-1-15-2-1-2"}}`, "appContainer.package", "unknown field"},
	{`{"user":"SY","userClaims":[{"name":"a","type":"text","values":[]}]}`, "userClaims[0].type", "string"},
	{`{"user":"SY","userClaims":[{"name":"a","type":"int64","values":["1","01"]}]}`, "userClaims[0].values[1]", "number"},
	{`{"user":"SY","userClaims":[{"name":"a","values":[1,"x"],"type":"int64"}]}`, "userClaims[0].values[1]", "number"},
	{`{"user":"SY","userClaims":[{"name":"a","type":"uint64","values":[1,-1]}]}`, "userClaims[0].values[1]", "number"},
	{`{"user":"SY","userClaims":[{"name":"a","type":"string","values":["x",5]}]}`, "userClaims[0].values[1]", "string"},
	{`{"user":"SY","userClaims":[{"name":"a","type":"boolean","values":[true,"x"]}]}`, "userClaims[0].values[1]", "true"},
	{`{"user":"SY","userClaims":[{"name":"a","type":"boolean","values":[true,10]}]}`, "userClaims[0].values[1]", "1 bits"},
	{`{"user":"SY","userClaims":[{"name":"a","type":"boolean","values":[true,2]}]}`, "userClaims[0].values[1]", "true"},
	{`{"user":"SY","userClaims":[{"name":"a","type":"sid","values":["WD",7]}]}`, "userClaims[0].values[1]", "string"},
	{`{"user":"SY","userClaims":[{"name":"a","type":"octets","values":["00",7]}]}`, "userClaims[0].values[1]", "string"},
	{`{"user":"SY","userClaims":[{"name":"a","type":"int64"}]}`, "userClaims[0].values", "missing"},
	{`{"user":"SY","userClaims":[{"name":"a","type":"sid","values":["DU"]}]}`, "userClaims[0].values[0]", "domain"},
	{`{"user":"SY","userClaims":[{"name":"a","type":"octets","values":["00","0"]}]}`, "userClaims[0].values[1]",
		"hexadecimal digits (byte 70)"},
	{`{"user":"SY","userClaims":[{"name":"a","type":"octets","values":["00","abc"]}]}`, "userClaims[0].values[1]",
		"hexadecimal digits (byte 70)"},
	{`{"user":"SY","userClaims":[{"name":"a","type":"octets","values":["00","abxy"]}]}`, "userClaims[0].values[1]",
		"hexadecimal digits (byte 70)"},
	{`{"user":"SY","authenticationId":"logon"}`, "authenticationId", "0x3e7"},
	{`{"user":"SY","sessionId":4294967296}`, "sessionId", "32 bits"},
	{`{"user":"SY","dynamicCharged":4294967296}`, "dynamicCharged", "32 bits"},
	{`{"user":"SY","authenticationId":18446744073709551616}`, "authenticationId", "64 bits"},
	{`{"user":"SY","expirationTime":"+1"}`, "expirationTime", "64 bits"},
	{`{"user":"SY","expirationTime":"-01"}`, "expirationTime", "64 bits"},
	{`{"user":"SY","expirationTime":"-00"}`, "expirationTime", "64 bits"},
	{`{"user":"SY","sessionId":1.5}`, "sessionId", "whole number"},
	{`{"user":"SY","expirationTime": 9223372036854775808}`, "expirationTime", "64 bits (byte 31)"},
	{`{"user":"SY","userClaims":[{"name":"a","type":"int64","values":[1, -9223372036854775809]}]}`,
		"userClaims[0].values[1]", "64 bits (byte 67)"},
	{`{"user":"SY","sessionId":-1}`, "sessionId", "32 bits"},
	{`{"user":"SY","source":"123456789"}`, "source", "8 bytes"},
	{"{\"user\":\"S\tY\"}", "user", "control character"},
	{`{"user":"\q"}`, "user", "escape"},
	{`{"user":"\ud800"}`, "user", "escape"},
	{"{\"user\":\"\xff\"}", "user", "UTF-8"},
	{`{"user":"SY`, "user", "without an end"},
	{`{"user":"SY","groups":["WD",{"sid":"BA","attributes":null}]}`, "groups[1].attributes", "array"},
	{`{"user":"SY","privileges":[{"name":"SeBackupPrivilege","attributes":null}]}`, "privileges[0].attributes", "array"},
	{`{"user":"SY","userClaims":` + strings.Repeat("[", 200_000), "userClaims[0]", "object"},
	{`{"user":"SY","userClaims":[{"name":"a","values":` + strings.Repeat("[", 200_000),
		"userClaims[0].values[0]", "number"},
}

// Parse rejects invalid files with the path of the field, the position, and the status as the cause. Lists have a
// limit.
func TestParseErrorNamesField(t *testing.T) {
	for _, c := range refusals {
		_, err := token.Parse([]byte(c.text))
		var fe *token.FileError
		if !errors.As(err, &fe) {
			t.Errorf("Parse of %s: %v, want a *FileError", c.text, err)
			continue
		}
		check.That(t, fe.Path == c.path && strings.Contains(err.Error(), c.part),
			"Parse of %s: %v (path %q); want path %q and text with %q", c.text, err, fe.Path, c.path, c.part)
	}
	// The position counts in the whole file. It has the line from line 2 on.
	_, err := token.Parse([]byte("{\"user\":\"SY\",\n \"groups\":[\"WD\",\n  \"no SID\"]}"))
	var fe *token.FileError
	check.That(t, errors.As(err, &fe) && fe.Line == 3 && fe.Offset == 33 &&
		strings.HasSuffix(err.Error(), "(line 3, byte 33)"), "Parse: %v: %+v; want line 3, byte 33", err, fe)
	_, err = token.Parse([]byte(`{"user":"no SID"}`))
	check.That(t, errors.As(err, &fe) && fe.Line == 1 && fe.Offset == 8 && strings.HasSuffix(err.Error(), "(byte 8)"),
		"Parse: %v: %+v; want line 1, byte 8", err, fe)
	_, err = token.Parse([]byte(`{"user":"SY","owner":"BA"}`))
	check.ErrorIs(t, err, ntstatus.InvalidOwner.Err(), "Parse with an owner that the token cannot have")
	every := `"` + strings.Join((winnt.PrivilegeSet(1)<<37-4).Names(), `","`) + `"`
	check.Equal(t, parse(t, `{"user":"SY","privileges":[`+every+`]}`).PrivilegeCount(), 35, "number of all privileges")
	many := strings.Repeat(`"WD",`, token.MaxGroups)
	check.That(t, check.Err(token.Parse([]byte(`{"user":"SY","groups":[`+many+`"WD"]}`))) != nil,
		"Parse of MaxGroups+1 groups: no error, want one")
}

// Parse accepts MaxGroups claims and MaxValues values, which may precede their type, and no more.
func TestParseAcceptsMostClaimsAndValues(t *testing.T) {
	list := func(n int, format string) string {
		var out []string
		for i := range n {
			out = append(out, fmt.Sprintf(format, i))
		}
		return strings.Join(out, ",")
	}
	for _, more := range []int{0, 1} {
		for _, text := range []string{list(token.MaxGroups+more, `{"name":"a%d","type":"int64","values":[1]}`),
			`{"values":[` + list(claims.MaxValues+more, "%d") + `],"name":"a","type":"int64"}`,
			`{"type":"int64","name":"a","values":[` + list(claims.MaxValues+more, "%d") + `]}`} {
			_, err := token.Parse([]byte(`{"user":"SY","userClaims":[` + text + `]}`))
			check.That(t, (err == nil) == (more == 0), "Parse with %d too many, %.40s…: %v", more, text, err)
		}
	}
}

// Parse accepts a file of MaxFile bytes and rejects one of MaxFile+1.
func TestParseLimitsFileSize(t *testing.T) {
	file := append([]byte(`{"user":"S-1-5-21-1-2-3-1001"}`), make([]byte, token.MaxFile)...)
	for i := range file[30:] {
		file[30+i] = ' '
	}
	_, err := token.Parse(file[:token.MaxFile])
	check.That(t, err == nil, "Parse of %d bytes: %v, want no error", token.MaxFile, err)
	var wrong *token.FileError
	if _, err := token.Parse(file[:token.MaxFile+1]); !errors.As(err, &wrong) || wrong.Offset != token.MaxFile {
		t.Errorf("Parse of %d bytes: %v, want a *FileError at byte %d", token.MaxFile+1, err, token.MaxFile)
	}
}

// An impersonation token has the level of the file, by default Impersonation. A primary token has level 0.
func TestParseReadsImpersonationLevel(t *testing.T) {
	for text, want := range map[string]winnt.SecurityImpersonationLevel{
		`"type":"Impersonation"`:                                       winnt.SecurityImpersonation,
		`"type":"Impersonation","impersonationLevel":"Anonymous"`:      winnt.SecurityAnonymous,
		`"type":"Impersonation","impersonationLevel":"Identification"`: winnt.SecurityIdentification,
		`"type":"Impersonation","impersonationLevel":"Delegation"`:     winnt.SecurityDelegation,
		`"impersonationLevel":"Delegation","type":"Impersonation"`:     winnt.SecurityDelegation,
		`"type":"Primary"`: 0,
	} {
		tok, err := token.Parse([]byte(`{"user":"S-1-5-21-1-2-3-1001",` + text + `}`))
		check.That(t, err == nil && tok.Level() == want, "Parse of %s: level %v, %v; want %v", text, tok.Level(), err, want)
	}
}

// FuzzParse checks that Parse terminates without a panic, that accepted input is valid JSON, and that MarshalJSON and
// Parse return the same token.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		designExample, // the documented example
		`{"user":"SY"}`,
		`{"user":"S-1-5-21-1-2-3-1","groups":["DU",{"sid":"WD","attributes":["UseForDenyOnly"]}]}`,
		`{"user":"SY","userClaims":[{"values":[1,"a",true],"name":"\u0041","type":"int64"}]}`, // values before the type
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
		check.RequireThat(t, json.Valid(file), "Parse accepted invalid JSON: %q", file)
		text, err := tok.MarshalJSON()
		check.RequireThat(t, err == nil, "MarshalJSON of a parsed token: %v", err)
		again, err := token.Parse(text)
		check.RequireThat(t, err == nil, "Parse of the output of MarshalJSON, %s: %v", text, err)
		a, b := normal(tok), normal(again)
		check.RequireThat(t, a == b, "after MarshalJSON and Parse: %s\nwant %s", b, a)
	})
}

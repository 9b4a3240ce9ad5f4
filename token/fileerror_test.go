package token_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// The error of Parse has the path of the field and the position of the wrong text. errors.Is and errors.As find its
// cause.
func TestFileErrorNamesFieldAndCause(t *testing.T) {
	isSID := func(err error) bool { return errors.Is(err, sid.ErrInvalid) }
	isSDDL := func(err error) bool { return errors.As(err, new(*sddl.SyntaxError)) }
	isSpec := func(err error) bool {
		return errors.As(err, new(*token.SpecError)) && errors.Is(err, ntstatus.InvalidParameter.Err())
	}
	isAny := func(err error) bool {
		e := (*token.FileError)(nil)
		return errors.As(err, &e) && e.Err != nil && strings.Contains(e.Problem, e.Err.Error())
	}
	isError := func(err error) bool { return err != nil }
	const head, empty = "{\"user\":\"S-1-5-21-1-2-3-1107\",\n", `""`
	for _, c := range []struct {
		fields, path string
		wraps        func(error) bool
	}{
		{`"owner":"S-1-x"`, "owner", isSID}, {`"primaryGroup":"S-1-x"`, "primaryGroup", isSID},
		{`"trustLevel":"S-1-x"`, "trustLevel", isSID}, {`"domain":"S-1-x"`, "domain", isSID},
		{`"groups":["WD","S-1-x"]`, "groups[1]", isSID}, {`"groups":["WD",{"sid":"S-1-x"}]`, "groups[1].sid", isSID},
		{`"restrictedSids":["WD","S-1-x"]`, "restrictedSids[1]", isSID},
		{`"deviceGroups":["WD","BU","S-1-x"]`, "deviceGroups[2]", isSID},
		{`"restrictedDeviceGroups":["S-1-x"]`, "restrictedDeviceGroups[0]", isSID},
		{`"appContainer":{"packageSid":"S-1-x"}`, "appContainer.packageSid", isSID},
		{`"appContainer":{"packageSid":"S-1-15-2-1","capabilities":["S-1-x"]}`, "appContainer.capabilities[0]", isSID},
		{`"defaultDacl":"S-1-x"`, "defaultDacl", isSDDL},
		{`"privileges":["SeTcbPrivilege","S-1-x"]`, "privileges[1]", isAny},
		{`"privileges":["SeTcbPrivilege",{"name":"S-1-x"}]`, "privileges[1].name", isAny},
		{`"writeRestricted":true`, "writeRestricted", isSpec},
		{`"groups":[{"attributes":["S-1-x"]}]`, "groups[0].attributes[0]", isError},
		{`"userClaims":[{"name":"a","type":"sid","values":["WD","S-1-x"]}]`, "userClaims[0].values[1]", isSID},
		{`"userClaims":[{"name":"a","type":"S-1-x"}]`, "userClaims[0].type", isError},
		{`"elevationType":"S-1-x"`, "elevationType", isError},
		{`"userClaims":[{"name":"a","type":"int64","values":[1,1]}]`, "userClaims", isAny},
	} {
		for _, wrong := range []string{`"S-1-x"`, empty} {
			text := head + strings.Replace(c.fields, `"S-1-x"`, " \t"+wrong, 1) + "}"
			tok, err := token.Parse([]byte(text))
			e := (*token.FileError)(nil)
			if !errors.As(err, &e) || tok != nil || wrong != empty && !c.wraps(err) || e.Path != c.path ||
				e.Problem == "" {
				t.Errorf("Parse of %s: %v, %#v; want an error for %s that wraps its cause", text, err, e, c.path)
				continue
			}
			if at := strings.Index(text, wrong); at >= 0 && (e.Line != 2 || e.Offset != at) {
				t.Errorf("Parse of %s: error at line %d, byte %d; want line 2, byte %d", text, e.Line, e.Offset, at)
			}
			check.That(t, (e.Line == 0) == (e.Offset == 0), "Parse of %s: error at line %d, byte %d; want both or none", text,
				e.Line, e.Offset)
		}
	}
}

// The position of an error is behind the white space. That of a missing field is the position of its object. In each
// text ^ stands before the value in the error.
func TestFileErrorHasPositionBehindBlanks(t *testing.T) {
	for fields, path := range map[string]string{
		`"auditPolicy": ^"0x"`: "auditPolicy",
		`"userClaims":[{"name":"a","type":"octets","values":["00", ^"0"]}]`:                   "userClaims[0].values[1]",
		`"userClaims":[{"name":"a","type":"sid","values":[]}, ^{"type":"int64","values":[]}]`: "userClaims[1].name",
		`"groups":[{"sid":"WD","attributes":["Mandatory", ^"x"]}]`:                            "groups[0].attributes[1]",
		`"groups":["WD", ^{"attributes":[]}]`:                                                 "groups[1].sid",
		`"privileges":["SeTcbPrivilege", ^{"attributes":[]}]`:                                 "privileges[1].name",
	} {
		before, after, _ := strings.Cut(`{"user":"SY",`+fields+"}", "^")
		var e *token.FileError
		check.That(t, errors.As(check.Err(token.Parse([]byte(before+after))), &e) && e.Path == path &&
			e.Offset == len(before), "Parse of %s: %+v, want an error for %s at ^", fields, e, path)
	}
}

// If a field has a valid SID that the token cannot have, the error gives the position of its value.
func TestFileErrorHasPositionOfValue(t *testing.T) {
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
			t.Errorf("Parse of %s: %v, want a *FileError", c.wrong, err)
			continue
		}
		value := strings.LastIndex(text, `:"`) + 1
		if given := text[value+1 : len(text)-2]; c.path == "integrityLevel" && !strings.Contains(e.Problem, given) {
			t.Errorf("Parse of %s: problem %q, want it to name %s", c.wrong, e.Problem, given)
		}
		check.That(t, e.Path == c.path && e.Offset == value,
			"Parse of %s: error for %s at byte %d, want %s at byte %d", c.wrong, e.Path, e.Offset, c.path, value)
	}
}

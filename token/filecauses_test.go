package token_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// TestCausesOfFileErrors: the error of a file names the field, however deep, the place of the text that is wrong, and
// wraps what refused it, for who asks by errors.Is.
func TestCausesOfFileErrors(t *testing.T) {
	isSID := func(err error) bool { return errors.Is(err, sid.ErrInvalid) }
	isSDDL := func(err error) bool { return errors.As(err, new(*sddl.SyntaxError)) }
	isSpec := func(err error) bool {
		return errors.As(err, new(*token.SpecError)) && errors.Is(err, ntstatus.InvalidParameter.Err())
	}
	isAny := func(err error) bool {
		e := (*token.FileError)(nil)
		return errors.As(err, &e) && e.Err != nil && strings.Contains(e.Problem, e.Err.Error())
	}
	const head = "{\"user\":\"S-1-5-21-1-2-3-1107\",\n"
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
	} {
		text := head + c.fields + "}"
		tok, err := token.Parse([]byte(text))
		e := (*token.FileError)(nil)
		if !errors.As(err, &e) || tok != nil || !c.wraps(err) || e.Path != c.path || e.Problem == "" {
			t.Errorf("%s: %v, %#v, want %s", c.fields, err, e, c.path)
			continue
		}
		if at := strings.Index(text, `"S-1-x"`); at >= 0 && (e.Line != 2 || e.Offset != at) {
			t.Errorf("%s: line %d, byte %d, want line 2, byte %d", c.fields, e.Line, e.Offset, at)
		}
	}
}

// TestLevelOfAFullToken: the integrity entry takes no place of a group: a token with as many groups as there may be
// takes a level, is made again of what it tells and reads back from its file; one group more is refused with it and
// without (T-4).
func TestLevelOfAFullToken(t *testing.T) {
	for _, n := range []int{token.MaxGroups - 1, token.MaxGroups, token.MaxGroups + 1} {
		for _, listed := range []bool{false, true} {
			s := setup()
			s.Integrity, s.Groups = sid.SID{}, nil
			for i := range n {
				s.Groups = append(s.Groups, token.Group{SID: account(uint32(i)), Attributes: token.GroupDefault})
			}
			if listed {
				s.Groups = append(s.Groups, integrity(sid.LowLevel))
			}
			tok, err := token.New(s)
			if (err == nil) != (n <= token.MaxGroups) {
				t.Errorf("T-4: %d groups, the entry among them: %t: %v", n, listed, err)
			}
			if err != nil {
				continue
			}
			high, st := tok.WithIntegrity(9, sid.HighLevel)
			wantStatus(t, "T-4", st, ntstatus.Success)
			if d := differs(must(t, high.Spec()).Spec(), high.Spec()); d != nil || high.GroupCount() != n+1 ||
				high.Integrity() != sid.HighLevel.RID() {
				t.Errorf("T-4: %d groups: level %#x, %d groups, made anew these differ: %v", n, high.Integrity(),
					high.GroupCount(), d)
			}
			file, err := high.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			if back, err := token.Parse(file); err != nil || back.GroupCount() != n+1 {
				t.Errorf("T-4: %d groups are not read back: %v", n, err)
			}
		}
	}
}

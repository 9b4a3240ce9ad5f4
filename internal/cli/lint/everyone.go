package lint

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// stranger is the token of an account that no descriptor names. It has the groups of every logon and Medium
// integrity.
var stranger = func() *token.Token {
	user, _ := sid.New(5, 21, 0xFFFFFFFE, 0xFFFFFFFE, 0xFFFFFFFE, 0xFFFFFFFE)
	t, err := token.New(token.Spec{
		User: token.Group{SID: user},
		Groups: []token.Group{{SID: sid.Everyone, Attributes: token.GroupDefault},
			{SID: sid.AuthenticatedUsers, Attributes: token.GroupDefault}},
		Integrity: sid.MediumLevel, MandatoryPolicy: winnt.TOKEN_MANDATORY_POLICY_NO_WRITE_UP,
	})
	if err != nil {
		panic("lint: " + err.Error())
	}
	return t
}()

// checkEveryone reports the entries that grant a stranger a right to modify the object, by an access check. Without a
// DACL it reports nothing, because checkDACL does. An access check that fails reports nothing.
func (l *linter) checkEveryone() {
	if l.d.DACL() == nil {
		return // said already
	}
	m := &l.typ.Mapping
	writing := winnt.DELETE | winnt.WRITE_DAC | winnt.WRITE_OWNER | m.Write&^(m.Read|m.Execute)
	_, x, err := access.Explain(&access.Request{
		Descriptor: l.d, Subject: access.Subject{Primary: stranger}, Desired: winnt.MAXIMUM_ALLOWED, Type: l.typ,
	})
	if err != nil {
		return
	}
	by := map[int]winnt.AccessMask{}
	for _, r := range x.Reasons {
		if r.Granted && r.Bit&writing != 0 && r.Reason.Kind == access.AceAllow {
			by[r.Reason.Index] |= r.Bit
		}
	}
	for i, a := range l.d.DACL().All() {
		if by[i] != 0 {
			l.addEveryone(i, a, by[i])
		}
	}
}

// addEveryone adds the finding that entry i grants the rights m to every account.
func (l *linter) addEveryone(i int, a sd.ACE, m winnt.AccessMask) {
	l.add("DACL", i, a, EveryoneWritable, "A-70", "grant it to a group of those who need it",
		"a token of any account that logs on, with Everyone and Authenticated Users alone, is granted %s by it",
		l.rights(m))
}

package calltext

import (
	"fmt"
	"strings"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// TokenName returns the display name of a token object: given, or "token object of" and the user's SID if given is
// "".
func TokenName(t *kernel.AccessToken, given string) string {
	if given != "" {
		return given
	}
	return "token object of " + t.Value().User().SID.String()
}

// tokenText formats a parameter that only token services have. known is false for other types. A nil pointer gives
// "None". A group without attributes gives its SID alone. A claim without text gives its name, with its flags unless
// they are 0.
func (p *Printer) tokenText(x any) (text string, known bool) {
	switch x := x.(type) {
	case token.Group:
		if x.Attributes == 0 {
			return x.SID.String(), true
		}
		return fmt.Sprintf("(%s, 0x%x)", x.SID, x.Attributes), true
	case *token.Group:
		if x == nil {
			return "None", true
		}
		return p.tokenText(*x)
	case []token.Group:
		var parts []string
		for _, g := range x {
			s, _ := p.tokenText(g)
			parts = append(parts, s)
		}
		return "[" + strings.Join(parts, ", ") + "]", true
	case claims.Attribute:
		s := x.Format(nil)
		if s == "" {
			s = fmt.Sprintf("%q", x.Name)
			if x.Flags != 0 {
				s = fmt.Sprintf("(%q, 0x%x)", x.Name, x.Flags)
			}
		}
		return s, true
	case token.AttributeChange:
		s, _ := p.tokenText(x.Attribute)
		return x.Operation.String() + " " + s, true
	case *token.Source:
		if x == nil {
			return "None", true
		}
		return fmt.Sprintf("%q", x.Name), true
	case *sd.ACL:
		return daclText(x), true
	case sid.SID:
		return x.String(), true
	}
	return "", false
}

// daclText returns a discretionary access list as quoted SDDL, "None" for nil.
func daclText(l *sd.ACL) string {
	if l == nil {
		return "None"
	}
	return descriptorText(sd.New(sd.Parts{Control: sd.DACLPresent, DACL: l}))
}

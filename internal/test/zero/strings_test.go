package zero

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

type number interface {
	~uint8 | ~uint16 | ~uint32 | ~int
}

// texts returns the printed forms of a type's values, including the last value.
func texts[T interface {
	number
	fmt.Stringer
}]() (out []string) {
	for n := range 256 {
		out = append(out, T(n).String())
	}
	if top := ^T(0); top > 255 {
		out = append(out, top.String())
	}
	return out
}

// Every value of an enumeration has a text: no table is read out of range, no text is empty, and no two are equal, so
// an unknown value is shown by its number.
func TestEveryValueHasAText(t *testing.T) {
	for name, all := range map[string]func() []string{
		"access.ReasonKind": texts[access.ReasonKind], "audit.Category": texts[audit.Category],
		"audit.Subcategory": texts[audit.Subcategory], "claims.Type": texts[claims.Type],

		"fileaccess.Operation": texts[fileaccess.Operation], "fileaccess.LossKind": texts[fileaccess.LossKind],
		"fileaccess.ReasonKind": texts[fileaccess.ReasonKind], "nt.FileInfoClass": texts[nt.FileInfoClass],
		"nt.FsInfoClass": texts[nt.FsInfoClass], "nt.DuplicateOptions": texts[nt.DuplicateOptions],
		"nt.JobObjectInfoClass": texts[nt.JobObjectInfoClass], "nt.MutantInfoClass": texts[nt.MutantInfoClass],
		"nt.EventType": texts[nt.EventType], "nt.ProcessInfoClass": texts[nt.ProcessInfoClass],
		"nt.ObjectInfoClass": texts[nt.ObjectInfoClass], "nt.SecurityInformation": texts[nt.SecurityInformation],
		"nt.SemaphoreInfoClass": texts[nt.SemaphoreInfoClass], "nt.ThreadInfoClass": texts[nt.ThreadInfoClass],
		"nt.TimerType": texts[nt.TimerType], "nt.TimerInfoClass": texts[nt.TimerInfoClass],
		"sd.Type": texts[sd.Type], "winnt.SIDNameUse": texts[winnt.SIDNameUse],
		"winnt.Privilege": texts[winnt.Privilege], "winnt.TokenInfoClass": texts[winnt.TokenInfoClass],
		"winnt.SecurityImpersonationLevel": texts[winnt.SecurityImpersonationLevel],
		"winnt.TokenType":                  texts[winnt.TokenType],
	} {
		t.Run(name, func(t *testing.T) {
			first := map[string]int{}
			for n, text := range all() {
				if before, there := first[text]; text == "" || there {
					t.Errorf("value %d prints as %q, as %d does", n, text, before)
				}
				first[text] = n
			}
		})
	}
}

package calltext

import (
	"fmt"
	"strings"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// PrivilegeName returns the documented name of a privilege, or the number of an unknown one.
func PrivilegeName(l winnt.LUID) string {
	if p := winnt.Privilege(l); l <= winnt.LUID(winnt.LastPrivilege) && p.Valid() {
		return p.String()
	}
	return l.String()
}

// Privileges returns a list of privilege names in brackets. It marks those that an access check used.
func Privileges(list []nt.LUIDAndAttributes) string {
	var parts []string
	for _, p := range list {
		s := PrivilegeName(p.LUID)
		if p.Attributes&winnt.SE_PRIVILEGE_USED_FOR_ACCESS != 0 {
			s += " used"
		}
		parts = append(parts, s)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// limits returns the security limits of a job as text, such as "{NO_ADMIN}". It returns "None" for nil. Unknown flags
// are hexadecimal.
func limits(l *nt.JobSecurityLimitInformation) string {
	if l == nil {
		return "None"
	}
	var parts []string
	for _, f := range []struct {
		name string
		flag uint32
	}{
		{"NO_ADMIN", winnt.JOB_OBJECT_SECURITY_NO_ADMIN},
		{"RESTRICTED_TOKEN", winnt.JOB_OBJECT_SECURITY_RESTRICTED_TOKEN},
		{"ONLY_TOKEN", winnt.JOB_OBJECT_SECURITY_ONLY_TOKEN},
		{"FILTER_TOKENS", winnt.JOB_OBJECT_SECURITY_FILTER_TOKENS},
	} {
		if l.SecurityLimitFlags&f.flag != 0 {
			parts = append(parts, f.name)
		}
	}
	if rest := l.SecurityLimitFlags &^ winnt.JOB_OBJECT_SECURITY_VALID_FLAGS; rest != 0 {
		parts = append(parts, fmt.Sprintf("0x%x", rest))
	}
	if l.JobToken != 0 {
		parts = append(parts, "token "+l.JobToken.String())
	}
	for _, list := range []struct {
		name   string
		groups []token.Group
	}{{"disable", l.SidsToDisable}, {"restrict", l.RestrictedSids}} {
		for _, g := range list.groups {
			parts = append(parts, list.name+" "+g.SID.String())
		}
	}
	if l.PrivilegesToDelete != nil {
		parts = append(parts, "delete "+Privileges(l.PrivilegesToDelete))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

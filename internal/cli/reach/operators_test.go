package reach_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/reach"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
)

// operated is a domain with a controller, and users who are in operators' groups or can join them.
const operated = "domain: " + domainSID + `
users:
  - {name: ann, sid: ` + domainSID + `-1101}
  - {name: bob, sid: ` + domainSID + `-1102, memberOf: [S-1-5-32-550]}
  - {name: cy, sid: ` + domainSID + `-1103, memberOf: [S-1-5-32-548]}
  - {name: DC1$, sid: ` + domainSID + `-1104, memberOf: [` + domainSID + `-516]}
  - {name: PC$, sid: ` + domainSID + `-1105}
  - {name: RO$, sid: ` + domainSID + `-1106, memberOf: [` + domainSID + `-521]}
  - {name: dan, sid: ` + domainSID + `-1107, memberOf: [S-1-5-32-551]}
`

// Operators take over domain controllers by their user rights, read-only ones too, and a domain controller replicates
// the directory as one of Enterprise Domain Controllers. Account operators and other computers do neither (B-46, B-52).
func TestOperatorsReachDomainControllers(t *testing.T) {
	const closed = "O:SYG:SYD:(A;;GA;;;SY)"
	controller := newItem("CN=DC1,OU=Domain Controllers,DC=x", "1104", "computer", closed)
	backup := newItem("CN=Backup Operators,CN=Builtin,DC=x", "", "group", "O:SYG:SYD:(OA;;WP;"+memberGUID+";;<ann>)")
	backup.Entry.SID = sid.BackupOperators
	accounts := newItem("CN=Account Operators,CN=Builtin,DC=x", "", "group", "O:SYG:SYD:(OA;;WP;"+memberGUID+";;<ann>)")
	accounts.Entry.SID = sid.AccountOperators
	list := []objects.Item{controller, backup, accounts, newItem("CN=PC,DC=x", "1105", "computer", closed),
		newItem("CN=RO,DC=x", "1106", "computer", closed), newItem("DC=x", "", "domain",
			"O:SYG:SYD:(OA;;CR;"+changesGUID+";;ED)(OA;;CR;"+changesAllGUID+";;"+domainSID+"-516)")}
	for who, want := range map[string][]string{
		"ann": {"AddMember CN=Backup", "AddMember CN=Account", "OperatorPrivileges CN=DC1", "OperatorPrivileges CN=RO",
			"ControlsDomain CN=PC", "DCSync DC=x"},
		"bob": {"OperatorPrivileges CN=DC1", "OperatorPrivileges CN=RO", "ControlsDomain CN=Backup",
			"ControlsDomain CN=Account", "ControlsDomain CN=PC", "DCSync DC=x"}, "cy": nil, "PC$": nil,
		"DC1$": {"ControlsDomain CN=DC1", "ControlsDomain CN=Backup", "ControlsDomain CN=Account",
			"ControlsDomain CN=PC", "ControlsDomain CN=RO", "DCSync DC=x"},
	} {
		s := reach.Search{Directory: check.Must(dirfile.Read([]byte(operated))), Objects: list}
		s.From = s.Directory.Find(who)
		r := check.Must(s.Do(context.Background()))
		var got []string
		for _, p := range r.Paths {
			last := p.Steps[len(p.Steps)-1]
			got = append(got, last.Right+" "+strings.Split(strings.Split(p.Object, ",")[0], " ")[0])
			check.That(t, last.Right != "OperatorPrivileges" || strings.Contains(last.By[0],
				"on domain controllers by default"), "%s: by %q", who, last.By)
			if strings.HasPrefix(p.Object, "CN=Backup") && !strings.Contains(last.Gives, "back up and restore every file") {
				t.Errorf("%s: gives %q", who, last.Gives)
			}
		}
		// The last one is of the domain, whose name is cut at its comma.
		check.That(t, fmt.Sprint(got) == fmt.Sprint(want), "%s: got %q, want %q", who, got, want)
	}
	s := reach.Search{Directory: check.Must(dirfile.Read([]byte(operated))), Objects: list[:1]}
	check.Must(s.Direct(context.Background(), func(_ int, rights []reach.Right) error {
		last := rights[len(rights)-1]
		check.That(t, last.Name == "OperatorPrivileges" && last.Who.Count() == 2, "%+v, want bob and dan", last)
		return nil
	}))
}

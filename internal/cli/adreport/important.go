package adreport

import (
	"cmp"
	"slices"
	"strings"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/sid"
)

// domainControllers is the RID of the group Domain Controllers.
const domainControllers = 516

// target is an important object: its index in the search, the reason why it is important, and its rank on the page.
type target struct {
	object int
	kind   string
	rank   int // order on the page
}

// Ranks of important objects that are not accounts of a fixed RID.
const (
	rankDomain     = 0
	rankHolder     = 1
	rankController = 20
	rankPolicy     = 30
	rankOU         = 40
	rankGiven      = 50
)

// importantRIDs lists the accounts of a domain that control it or everything in it, by RID.
var importantRIDs = map[uint32]string{
	502: "KRBTGT", 512: "Domain Admins", 519: "Enterprise Admins", 518: "Schema Admins", 500: "Administrator",
	516: "Domain Controllers", 498: "Enterprise Read-only Domain Controllers", 520: "Group Policy Creator Owners",
	526: "Key Admins", 527: "Enterprise Key Admins", 517: "Cert Publishers",
}

// ridOrder is the order of importantRIDs on the page.
var ridOrder = []uint32{512, 519, 502, 500, 518, 516, 526, 527, 520, 517, 498}

// importantBuiltins lists the built-in groups that control domain controllers.
var importantBuiltins = map[sid.SID]string{
	sid.Administrators: "Administrators", sid.AccountOperators: "Account Operators",
	sid.ServerOperators: "Server Operators", sid.PrintOperators: "Print Operators",
	sid.BackupOperators: "Backup Operators",
}

// findImportant sets s.targets to the important objects, and the objects that given names, in the order of the page
// (B-49). Of equal kinds, paths are in alphabetical order.
func (s *side) findImportant(given []*objects.Name) {
	servers := s.servers()
	for i := range s.search.Objects {
		o := &s.search.Objects[i]
		kind, rank := s.kindOf(o, servers)
		for _, n := range given { // all of them, because Is also counts the objects of a name
			if n.Is(o.Path, o.Entry) && kind == "" {
				kind, rank = "named by --important", rankGiven
			}
		}
		if kind != "" {
			s.targets = append(s.targets, target{i, kind, rank})
		}
	}
	slices.SortStableFunc(s.targets, func(a, b target) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), strings.Compare(s.search.Objects[a.object].Path,
			s.search.Objects[b.object].Path))
	})
}

// kindOf returns why an object is important, and its rank on the page. servers is the result of s.servers. For other
// objects kind is "". The first of several reasons counts. Names match in any case. Well-known RIDs count only in the
// directory's domain, or in any if that is unknown.
func (s *side) kindOf(o *objects.Item, servers map[string]serverCount) (kind string, rank int) {
	d, path := s.search.Directory, strings.ToUpper(o.Path)
	if e := o.Entry; e.Account() {
		if name := importantBuiltins[e.SID]; name != "" {
			return name, 10
		}
		if e.Is("domainDNS") {
			return "domain root", rankDomain
		}
		if n := e.SID.SubAuthorities(); n > 0 && (d.Domain.IsZero() || e.SID.Prefix() == d.Domain) {
			rid := e.SID.Sub(n - 1)
			if name := importantRIDs[rid]; name != "" {
				return name, 2 + slices.Index(ridOrder, rid)
			}
		}
		if strings.HasPrefix(strings.ToLower(e.Name), "krbtgt_") {
			return "KRBTGT of a read-only domain controller", 4
		}
		if i := d.Find(e.SID.String()); i >= 0 && e.Is("computer") &&
			(s.admins.Has(i) || strings.Contains(path, ",OU=DOMAIN CONTROLLERS,")) {
			return "domain controller", rankController
		}
	}
	switch {
	case o.Entry.Is("domainDNS") && !strings.HasPrefix(path, "DC=DOMAINDNSZONES,") &&
		!strings.HasPrefix(path, "DC=FORESTDNSZONES,"):
		return "domain root", rankDomain
	case strings.HasPrefix(path, "CN=ADMINSDHOLDER,CN=SYSTEM,"):
		return "AdminSDHolder", rankHolder
	case o.Entry.Is("groupPolicyContainer"):
		return "group policy", rankPolicy
	}
	if n, ok := servers[path]; ok && (o.Entry == nil || o.Entry.Is("organizationalUnit") || len(o.Entry.Classes) == 0) {
		return n.String(), rankOU
	}
	return "", 0
}

// serverCount counts the servers in an organizational unit and the units below it. unknown counts computers that may
// be servers, because their operating system is unknown.
type serverCount struct{ servers, unknown int }

// String describes the computers of a unit. It expects at least one computer.
func (n serverCount) String() string {
	switch unknown := plural(n.unknown, "computer") + " of unknown system"; {
	case n.servers == 0:
		return "OU with " + unknown
	case n.unknown > 0:
		return "OU with " + plural(n.servers, "server") + " and " + unknown
	}
	return "OU with " + plural(n.servers, "server")
}

// servers counts, by the upper-case name of the unit, the servers and the computers whose operatingSystem is unknown.
// Computers with another system count as workstations. A computer counts for all units above it.
func (s *side) servers() map[string]serverCount {
	found := map[string]serverCount{}
	for i := range s.search.Objects {
		o := &s.search.Objects[i]
		if !o.Entry.Is("computer") {
			continue
		}
		system := strings.ToLower(o.Entry.System)
		server := strings.Contains(system, "server") || strings.Contains(system, "samba") ||
			strings.Contains(system, "linux")
		if system != "" && !server {
			continue
		}
		for unit := parentOf(strings.ToUpper(o.Path)); strings.HasPrefix(unit, "OU="); unit = parentOf(unit) {
			n := found[unit]
			if server {
				n.servers++
			} else {
				n.unknown++
			}
			found[unit] = n
		}
	}
	return found
}

// parentOf returns the distinguished name of the parent, "" for a name with one part. A comma after a backslash does
// not separate.
func parentOf(dn string) string {
	for i := 0; i < len(dn); i++ {
		switch dn[i] {
		case '\\':
			i++
		case ',':
			return dn[i+1:]
		}
	}
	return ""
}

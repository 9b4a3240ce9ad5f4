package bulk_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/collect"
	accounts "github.com/refmon/refmon/internal/directory/source"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/objects/jsonl"
	"github.com/refmon/refmon/internal/objects/source"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/internal/test/smbd"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// dcNeeds are the programs of a domain controller that TestDsaclEntriesDecideLikeSambaDC uses.
var dcNeeds = []string{"samba-tool", "ldbsearch", "/usr/bin/python3"}

// dcPackages are Debian's packages of them.
const dcPackages = "samba-ad-dc, samba-ad-provision, samba-dsdb-modules, python3-samba and ldb-tools"

// domainOrder describes the domain for testdata/dc.py.
type domainOrder struct {
	Users     []string            `json:"users"`
	Computers []string            `json:"computers"`
	Groups    map[string][]string `json:"groups"`
	Entries   [][2]string         `json:"entries"`
}

// dcAnswer is an answer of Samba about one right of one user on one object.
type dcAnswer struct {
	User, Object, Word, By string
	Allowed                bool
}

// dcWords are tested on every object.
const dcWords = "AddMember+WriteSPN+AddKeyCredentialLink+WriteAltSecurityIdentities+WriteGPLink+" +
	"ForceChangePassword+GetChanges+GenericAll+GenericWrite+WriteDacl+WriteOwner"

// On a real Samba domain, with entries set by samba-tool dsacl, the rights named by words equal those of the domain's
// own checks, pair by pair: attributes to write, passwords to set, replication.
func TestDsaclEntriesDecideLikeSambaDC(t *testing.T) {
	smbd.SkipUnlessDeep(t)
	for _, p := range dcNeeds {
		if _, err := exec.LookPath(p); err != nil {
			smbd.Skip(t, "no %s here: install the packages %s", p, dcPackages)
		}
	}
	if err := exec.Command("/usr/bin/python3", "-c", "import samba.dsdb, samba.provision").Run(); err != nil {
		smbd.Skip(t, "python3 has no Samba here: install the packages %s", dcPackages)
	}
	if os.Getuid() != 0 {
		smbd.Skip(t, "not root: a domain's folder has attributes that only root sets")
	}
	dir := filepath.Join(t.TempDir(), "dc")
	answers := makeDomain(t, dir)
	ldif := check.Must(os.ReadFile(filepath.Join(dir, "ad.ldif")))
	var list collect.Collector
	check.NoError(t, accounts.Read(&list, "ldif", ldif))
	company := check.Must(directory.New(list.Accounts()))
	ours := askOurs(t, company, check.Must(source.Open("ad.ldif", bytes.NewReader(ldif))))
	wide := askOurs(t, company, jsonl.Lines(strings.NewReader(asSambaReads(t, company, ldif)), 0, 0))
	compareDomain(t, answers, ours, wide, ldif, company)
}

// makeDomain generates entries and records Samba's decisions.
func makeDomain(t *testing.T, dir string) []dcAnswer {
	t.Helper()
	rng := rand.New(rand.NewPCG(randtest.Seed(t), 7))
	what := domainOrder{
		Users: []string{"svcsql", "helen", "mallory", "bob", "carol"}, Computers: []string{"pc1"},
		Groups: map[string][]string{"helpdesk": {"helen"}, "it": {"helen", "mallory"}, "outer": {"it", "bob"},
			"vault": {}},
	}
	whom := []string{"{svcsql}", "{helen}", "{mallory}", "{helpdesk}", "{it}", "{it}", "{outer}", "{vault}", "AU", "PS"}
	account := []string{"User-Force-Change-Password", "servicePrincipalName", "Public-Information",
		"altSecurityIdentities", "User-Account-Restrictions", "msDS-KeyCredentialLink",
		"msDS-AllowedToActOnBehalfOfOtherIdentity"}
	membership := []string{"member", "Membership", "servicePrincipalName"}
	about := map[string][]string{"domain": {"gPLink", "gPLink", "DS-Replication-Get-Changes", "member"}, "bob": account,
		"carol": account, "helen": account, "pc1": account, "vault": membership, "it": membership,
		"helpdesk": membership}
	on := []string{"domain", "bob", "carol", "helen", "pc1", "pc1", "vault", "it", "helpdesk"}
	for range randtest.Count(t, "REFMON_ENTRIES", 80) {
		o := on[rng.IntN(len(on))]
		kind, object, r := []string{"A", "A", "D"}[rng.IntN(3)], "", ""
		switch rng.IntN(4) {
		case 0: // all rights, or some
			r = []string{"CCDCLCSWRPWPDTLOCRSDRCWDWO", "WPSWRC", "WD", "WO", "SDDT"}[rng.IntN(5)]
		case 1: // all properties, or all extended rights
			r = []string{"WP", "CR", "RPWP"}[rng.IntN(3)]
		default:
			chain := check.Must(words.Chain(about[o][rng.IntN(len(about[o]))]))
			kind, object = "O"+kind, chain[len(chain)-1].String()
			r = []string{"WP", "CR", "WPCR", "RPWPCR"}[rng.IntN(4)]
		}
		what.Entries = append(what.Entries, [2]string{o,
			fmt.Sprintf("(%s;;%s;%s;;%s)", kind, r, object, whom[rng.IntN(len(whom))])})
	}
	what.Entries = append(what.Entries, [][2]string{ // entries set last come first
		{"domain", "(OA;;CR;1131f6aa-9c07-11d1-f79f-00c04fc2dcd2;;{svcsql})"},
		{"domain", "(OA;;CR;1131f6ad-9c07-11d1-f79f-00c04fc2dcd2;;{svcsql})"},
		{"bob", "(OA;;CR;00299570-246d-11d0-a768-00aa006e0529;;{helpdesk})"},
		{"vault", "(OA;;WP;bf9679c0-0de6-11d0-a285-00aa003049e2;;{mallory})"},
		{"carol", "(OA;;WP;e48d0154-bcf8-11d1-8702-00c04fb96050;;PS)"},
		{"domain", "(OA;;WP;f30e3bbe-9ff0-11d1-b603-0000f80367c1;;{svcsql})"},
		{"pc1", "(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;{svcsql})"},
	}...)
	cmd := exec.Command("/usr/bin/python3", check.Must(filepath.Abs("testdata/dc.py")), dir)
	check.NoError(t, os.Mkdir(dir, 0o755))
	cmd.Stdin = bytes.NewReader(check.Must(json.Marshal(what)))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("testdata/dc.py: %v, want no error\n%s",
			err, out[max(0, len(out)-4000):]) // dsacl prints every descriptor
	}
	return decode[dcAnswer](t, string(check.Must(os.ReadFile(filepath.Join(dir, "answers.jsonl")))))
}

// asSambaReads returns the objects with the entries as Samba 4.17 reads them: an entry that allows control access on
// an attribute, its set or the class also allows writing it, which neither MS-ADTS 5.1.3.2 nor Windows does.
func asSambaReads(t *testing.T, company *directory.Directory, ldif []byte) string {
	t.Helper()
	var b strings.Builder
	source := check.Must(source.Open("ad.ldif", bytes.NewReader(ldif)))
	typ := winnt.DirectoryServiceObject
	check.NoError(t, objects.All(context.Background(), source, company.Domain, typ, func(i objects.Item) bool {
		var entries []sd.ACE
		for _, a := range i.Descriptor.DACL().All() {
			if a.Type() == sd.AccessAllowedObject && a.Mask()&winnt.ADS_RIGHT_DS_CONTROL_ACCESS != 0 {
				a = a.WithMask(a.Mask() | winnt.ADS_RIGHT_DS_WRITE_PROP)
			}
			entries = append(entries, a)
		}
		p := i.Descriptor.Parts()
		p.DACL = check.Must(sd.NewACL(entries...))
		bytes := fmt.Sprintf("%x", sd.New(p).Binary())
		line := map[string]string{"path": i.Path, "type": "directoryService", "sdHex": bytes}
		if i.Entry.Account() {
			line["sid"] = i.Entry.SID.String()
		}
		fmt.Fprintf(&b, "%s\n", check.Must(json.Marshal(line)))
		return true
	}))
	return b.String()
}

// askOurs returns the principals with each word on each object: "user word object".
func askOurs(t *testing.T, company *directory.Directory, from objects.Source) map[string]bool {
	t.Helper()
	var out bytes.Buffer
	r := &bulk.Run{Source: from, Directory: company, Out: &out, Format: bulk.JSONL,
		Rights: check.Must(words.Parse(dcWords)), Type: winnt.DirectoryServiceObject}
	if sum, err := r.Do(context.Background()); err != nil || sum.Unreadable > 0 {
		t.Fatalf("%v, %+v, want no error and no unreadable object", err, sum)
	}
	ours := map[string]bool{}
	for _, row := range decode[whoRow](t, out.String()) {
		for _, p := range row.Principals {
			ours[p+" "+row.Right+" "+row.Path] = true
		}
	}
	return ours
}

// compareDomain holds our answers to Samba's. wide has ours with the entries as Samba
// reads them, for the attributes.
func compareDomain(t *testing.T, answers []dcAnswer, ours, wide map[string]bool, ldif []byte,
	company *directory.Directory) {
	t.Helper()
	verdicts, differ, wider := map[string][2]int{}, 0, 0
	for _, a := range answers {
		if a.By == "access_check" && isSelf(company, ldif, a) {
			continue // samba.security.access_check does not support PRINCIPAL SELF
		}
		v := verdicts[a.Word]
		if a.Allowed {
			v[1]++
		} else {
			v[0]++
		}
		verdicts[a.Word] = v
		pair := a.User + " " + a.Word + " " + a.Object
		if ours[pair] == a.Allowed {
			continue
		}
		if a.By == "allowedAttributesEffective" && wide[pair] == a.Allowed {
			wider++
			continue
		}
		if differ++; differ <= 10 {
			t.Errorf("%s: %s on %s: Samba (%s) %t, refmon %t, want differ more than 10\n%s", a.User, a.Word,
				a.Object, a.By, a.Allowed, ours[pair], entryOf(ldif, a.Object))
		}
	}
	t.Logf("%d pairs, %d differ, %d by an entry for control access that Samba takes for writing; denied and allowed: %v",
		len(answers), differ, wider, verdicts)
	for _, w := range strings.Split(dcWords, "+") {
		v := verdicts[w]
		if w == "AddKeyCredentialLink" && v == [2]int{} {
			continue // the schema of Samba before 4.19 has no such attribute
		}
		check.That(t, v[0] != 0 && v[1] != 0,
			"%s: Samba's answers are all the same: %v, want both allowed and denied ones", w, v)
	}
}

// entryOf returns the lines of an object in an LDIF, unfolded.
func entryOf(ldif []byte, dn string) string {
	entry := regexp.MustCompile(`(?s)\ndn: ` + regexp.QuoteMeta(dn) + `\n.*?\n\n`)
	return strings.ReplaceAll(string(entry.Find(ldif)), "\n ", "")
}

// isSelf reports whether an object's SID is in the token of the user of an answer.
func isSelf(company *directory.Directory, ldif []byte, a dcAnswer) bool {
	m := regexp.MustCompile(`objectSid: (\S+)`).FindStringSubmatch(entryOf(ldif, a.Object))
	if m == nil {
		return false
	}
	self := sid.MustParse(m[1])
	return company.Principals[company.Find(a.User)].Token.SIDs().Find(self.Hash(), self) >= 0
}

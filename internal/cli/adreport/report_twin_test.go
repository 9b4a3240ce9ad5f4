package adreport_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/adreport"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/collect"
	accounts "github.com/refmon/refmon/internal/directory/source"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/objects/ldif"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/winnt"
)

const (
	domainSID = "S-1-5-21-7-8-9"
	base      = "DC=corp,DC=test"
)

// GUIDs of MS-ADTS 5.1.3.2.1 and of the schema documents.
const (
	resetGUID        = "00299570-246d-11d0-a768-00aa006e0529"
	memberGUID       = "bf9679c0-0de6-11d0-a285-00aa003049e2"
	membershipGUID   = "bc0ac240-79a9-11d0-9020-00c04fc2d4cf"
	spnGUID          = "f3a64788-5306-11d1-a9c5-0000f80367c1"
	publicGUID       = "e48d0154-bcf8-11d1-8702-00c04fb96050"
	restrictionsGUID = "4c164200-20c0-11d0-a768-00aa006e0529"
	linkGUID         = "f30e3bbe-9ff0-11d1-b603-0000f80367c1"
	changesGUID      = "1131f6aa-9c07-11d1-f79f-00c04fc2dcd2"
	changesAllGUID   = "1131f6ad-9c07-11d1-f79f-00c04fc2dcd2"
	unicodePwdGUID   = "bf9679e1-0de6-11d0-a285-00aa003049e2"
	phoneGUID        = "bf967a49-0de6-11d0-a285-00aa003049e2"
	userClass        = "bf967aba-0de6-11d0-a285-00aa003049e2"
	strangeGUID      = "11111111-2222-3333-4444-555555555555" // of no schema
)

// entry is an object of the domain.
type entry struct {
	dn, class, name string
	rid             int // 0: no SID
	more            []string
	deny, allow     []string // entries of the DACL
}

// domain builds an LDIF.
type domain struct {
	list []*entry
	next int
}

// newDomain returns a domain with the important objects, an administrator and a domain controller.
func newDomain() *domain {
	d := &domain{next: 1100}
	d.add(&entry{dn: base, class: "domainDNS", allow: []string{"(OA;;CR;" + changesGUID + ";;ED)",
		"(OA;;CR;" + changesAllGUID + ";;" + domainSID + "-516)"}})
	d.add(&entry{dn: "CN=AdminSDHolder,CN=System," + base, class: "container"})
	for _, g := range []struct {
		rid  int
		name string
	}{{512, "Domain Admins"}, {519, "Enterprise Admins"}, {516, "Domain Controllers"}, {513, "Domain Users"}} {
		d.add(&entry{dn: "CN=" + g.name + ",CN=Users," + base, class: "group", name: g.name, rid: g.rid,
			more: []string{"groupType: -2147483646"}})
	}
	d.add(&entry{dn: "CN=krbtgt,CN=Users," + base, class: "user", name: "krbtgt", rid: 502,
		more: []string{"userAccountControl: 514"}})
	d.add(&entry{dn: "CN=root,CN=Users," + base, class: "user", name: "root", rid: 500,
		more: []string{"memberOf: CN=Domain Admins,CN=Users," + base}})
	d.list = append(d.list, &entry{dn: "CN=Administrators,CN=Builtin," + base, class: "group", name: "Administrators",
		more: []string{"objectSid: S-1-5-32-544", "groupType: -2147483643",
			"member: CN=Domain Admins,CN=Users," + base}})
	d.list = append(d.list, &entry{dn: "CN=Backup Operators,CN=Builtin," + base, class: "group",
		name: "Backup Operators", more: []string{"objectSid: S-1-5-32-551", "groupType: -2147483643"}})
	d.add(&entry{dn: "CN=DC1,OU=Domain Controllers," + base, class: "computer", name: "DC1$", rid: 1000,
		more: []string{"primaryGroupID: 516", "userAccountControl: 532480", "operatingSystem: Windows Server 2022"}})
	return d
}

func (d *domain) add(e *entry) *entry {
	d.list = append(d.list, e)
	return e
}

// account adds an account or group with the next SID.
func (d *domain) account(class, name string) *entry {
	d.next++
	e := &entry{dn: "CN=" + name + ",CN=Users," + base, class: class, name: name, rid: d.next}
	if class == "group" {
		e.more = append(e.more, "groupType: -2147483646")
	}
	return d.add(e)
}

// unit adds an organizational unit with a server in it.
func (d *domain) unit(name string) *entry {
	e := d.add(&entry{dn: "OU=" + name + "," + base, class: "organizationalUnit"})
	d.next++
	d.add(&entry{dn: "CN=srv" + name + ",OU=" + name + "," + base, class: "computer", name: "srv" + name + "$",
		rid: d.next, more: []string{"operatingSystem: Windows Server 2022"}})
	return e
}

// find returns the object with a DN.
func (d *domain) find(dn string) *entry {
	if i := slices.IndexFunc(d.list, func(e *entry) bool { return e.dn == dn }); i >= 0 {
		return d.list[i]
	}
	return nil
}

func (e *entry) sid() string { return fmt.Sprint(domainSID, "-", e.rid) }

// join makes an account a member of a group.
func (e *entry) join(group *entry) { e.more = append(e.more, "memberOf: "+group.dn) }

// ldif returns the domain as ldbsearch prints it.
func (d *domain) ldif() string {
	var b strings.Builder
	for _, e := range d.list {
		classes := map[string]string{"computer": "user\nobjectClass: computer", "domainDNS": "domain\nobjectClass: domainDNS"}
		class := classes[e.class]
		if class == "" {
			class = e.class
		}
		fmt.Fprintf(&b, "dn: %s\nobjectClass: top\nobjectClass: %s\n", e.dn, class)
		if e.name != "" {
			fmt.Fprintf(&b, "sAMAccountName: %s\n", e.name)
		}
		if e.rid != 0 {
			fmt.Fprintf(&b, "objectSid: %s\n", e.sid())
		} else if e.class == "domainDNS" {
			fmt.Fprintf(&b, "objectSid: %s\n", domainSID)
		}
		for _, line := range e.more {
			fmt.Fprintln(&b, line)
		}
		fmt.Fprintf(&b, "nTSecurityDescriptor: O:%s-512G:%s-512D:%s%s(A;;RPWPCRCCDCLCLORCWOWDSDDTSW;;;%s-512)"+
			"(A;;RPLCLORC;;;AU)(OA;;RP;%s;;AU)\n\n", domainSID, domainSID, strings.Join(e.deny, ""),
			strings.Join(e.allow, ""), domainSID, publicGUID)
	}
	return b.String()
}

// state reads a domain as a command does.
func state(t *testing.T, text string) adreport.State {
	t.Helper()
	var list collect.Collector
	check.NoError(t, accounts.Read(&list, "ldif", []byte(text)))
	s := adreport.State{Directory: check.Must(directory.New(list.Accounts()))}
	err := objects.All(context.Background(), ldif.New(strings.NewReader(text)), s.Directory.Domain,
		winnt.DirectoryServiceObject, func(i objects.Item) bool {
			s.Objects = append(s.Objects, i)
			return true
		})
	check.NoError(t, err)
	return s
}

// pageOf returns the report of a domain, and both of its forms.
func pageOf(t *testing.T, r *adreport.Report) (p *adreport.Page, html, text string) {
	t.Helper()
	p = check.Must(r.Do(context.Background()))
	var h, x bytes.Buffer
	check.NoError(t, p.HTML(&h))
	check.NoError(t, p.Text(&x, 80))
	return p, h.String(), x.String()
}

// textOf returns each row of rights as text behind a name: who, the rights and the objects.
func textOf(name string, rows []adreport.Grants) (out []string) {
	for _, g := range rows {
		out = append(out, fmt.Sprint(name, " ", g.Who.List, " ", g.Rights, " ", g.Objects.List))
	}
	return out
}

// sameLines reports an error with both lists unless they have the same lines in any order.
func sameLines(t *testing.T, got, want []string, what string) {
	t.Helper()
	got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	check.That(t, slices.Equal(got, want), "%s: got\n%s\nwant\n%s", what, strings.Join(got, "\n"),
		strings.Join(want, "\n"))
}

// planted is an account that was given a path to an object, or a path that an entry closes.
type planted struct {
	Who    string
	Open   bool
	Object string
	Steps  int
	Closed int // the step that is closed, from 1; 0: none
}

// way is a set of entries that give control, and the entries of which one closes it: "mask type".
type way struct{ allow, deny []string }

const all = "CCDCLCSWRPWPDTLOCRSDRCWDWO "

var ways = map[string][]way{
	"user": {{[]string{"CR " + resetGUID}, []string{"CR " + resetGUID, "CR "}}, {[]string{"CR "}, []string{"CR "}},
		{[]string{"WP " + spnGUID}, []string{"WP " + spnGUID, "WP " + publicGUID, "WP "}},
		{[]string{"WP "}, []string{"WP "}}, {[]string{"CR " + userClass}, []string{"CR "}},
		{[]string{"WD "}, []string{"WD "}}, {[]string{all}, []string{all}}},
	"group": {{[]string{"WP " + memberGUID}, []string{"WP " + memberGUID, "WP " + membershipGUID, "WP "}},
		{[]string{"SW " + memberGUID}, []string{"SW " + memberGUID, "SW "}}, {[]string{"WO "}, []string{"WO "}},
		{[]string{all}, []string{all}}},
	"computer": {{[]string{"WP " + restrictionsGUID}, []string{"WP " + restrictionsGUID, "WP "}}},
	"ou":       {{[]string{"WP " + linkGUID}, []string{"WP " + linkGUID, "WP "}}},
	"domain": {{[]string{"CR " + changesGUID, "CR " + changesAllGUID},
		[]string{"CR " + changesAllGUID, "CR " + changesGUID, "CR "}}},
	"container": {{[]string{"WD "}, []string{"WD "}}, {[]string{all}, []string{all}}},
}

// control gives an account control of an object, or closes the way with an entry that denies.
func (d *domain) control(rng *rand.Rand, who, object *entry, kind string, closed bool) {
	w := ways[kind][rng.IntN(len(ways[kind]))]
	to := []string{who.sid()}
	for group := who; len(to) < 3 && rng.IntN(3) == 0; { // by a group, which can be in another
		d.next++
		outer := d.account("group", fmt.Sprint("grp", d.next))
		group.join(outer)
		group = outer
		to = append(to, outer.sid())
	}
	ace := func(how, x, who string) string {
		mask, guid, _ := strings.Cut(x, " ")
		if guid != "" {
			how = "O" + how
		}
		return fmt.Sprintf("(%s;;%s;%s;;%s)", how, mask, guid, who)
	}
	for _, x := range w.allow {
		object.allow = append(object.allow, ace("A", x, to[len(to)-1]))
	}
	if closed {
		object.deny = append(object.deny, ace("D", w.deny[rng.IntN(len(w.deny))], to[rng.IntN(len(to))]))
	}
}

// plant adds an account with a path of one to three steps.
func (d *domain) plant(rng *rand.Rand, name string, open bool) planted {
	p := planted{Who: name, Open: open, Steps: 1}
	who := d.account("user", name)
	kinds := []string{"user", "group", "computer", "ou", "domain", "container", "admins", "krbtgt"}
	kind := kinds[rng.IntN(len(kinds))]
	object := d.find(map[string]string{"domain": base, "container": "CN=AdminSDHolder,CN=System," + base,
		"admins": "CN=Domain Admins,CN=Users," + base, "krbtgt": "CN=krbtgt,CN=Users," + base}[kind])
	if kind == "ou" {
		d.next++
		object = d.unit(fmt.Sprint("unit", d.next))
	}
	if object != nil {
		p.Steps = 1 + rng.IntN(3)
	} else {
		d.next++
		object = d.account(kind, fmt.Sprint("end", d.next)+map[bool]string{true: "$"}[kind == "computer"])
	}
	p.Object = object.dn
	if !open {
		p.Closed = 1 + rng.IntN(p.Steps)
	}
	for i := 1; i < p.Steps; i++ {
		d.next++
		middle := []string{"user", "group"}[rng.IntN(2)]
		next := d.account(middle, fmt.Sprint("mid", d.next))
		d.control(rng, who, next, middle, i == p.Closed)
		who = next
	}
	switch kind {
	case "admins":
		kind = "group"
	case "krbtgt":
		kind = "user"
	}
	d.control(rng, who, object, kind, p.Steps == p.Closed)
	return p
}

package reach_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/reach"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

const domainSID = "S-1-5-21-1-2-3"

// world is a random directory: its people, and a plain description of each object.
type world struct {
	users  []person
	groups []person
	things []object
	search reach.Search
	block  bool
	joined int
	plain  bool // objects have no class
}

// person is a user or group with its groups, by number.
type person struct {
	name string
	sid  sid.SID
	of   []int
}

// object is an object with its kind: user, computer, group, domain, ou, holder or file.
type object struct {
	is      string
	account int // number of the user or group, -1: none
	sid     sid.SID
	item    objects.Item
}

// GUIDs of MS-ADA, MS-ADSC and MS-ADTS 5.1.3.2.1.
const (
	memberGUID     = "bf9679c0-0de6-11d0-a285-00aa003049e2"
	membershipGUID = "bc0ac240-79a9-11d0-9020-00c04fc2d4cf"
	passwordGUID   = "00299570-246d-11d0-a768-00aa006e0529"
	keyGUID        = "5b47d60f-6090-40b2-9f37-2a4de88f3063"
	keySetGUID     = "9b026da6-0d3c-465c-8bee-5199d7165cba"
	actGUID        = "3f78c3e5-f79a-46bd-a0b8-9d18116ddc79"
	accountGUID    = "4c164200-20c0-11d0-a768-00aa006e0529"
	spnGUID        = "f3a64788-5306-11d1-a9c5-0000f80367c1"
	publicGUID     = "e48d0154-bcf8-11d1-8702-00c04fb96050"
	altGUID        = "00fbf30c-91fe-11d1-aebc-0000f80367c1"
	changesGUID    = "1131f6aa-9c07-11d1-f79f-00c04fc2dcd2"
	changesAllGUID = "1131f6ad-9c07-11d1-f79f-00c04fc2dcd2"
	linkGUID       = "f30e3bbe-9ff0-11d1-b603-0000f80367c1"
)

// classGUID has the classes of the objects of a world.
var classGUID = map[string]string{
	"user": "bf967aba-0de6-11d0-a285-00aa003049e2", "computer": "bf967a86-0de6-11d0-a285-00aa003049e2",
	"group": "bf967a9c-0de6-11d0-a285-00aa003049e2", "domain": "19195a5b-6da0-11d0-afd3-00c04fd930c9",
	"ou": "bf967aa5-0de6-11d0-a285-00aa003049e2", "holder": "bf967a8b-0de6-11d0-a285-00aa003049e2",
}

var classesOf = map[string][]string{
	"user": {"top", "person", "user"}, "computer": {"top", "person", "user", "computer"}, "group": {"top", "group"},
	"domain": {"top", "domain", "domainDNS"}, "ou": {"top", "organizationalUnit"}, "holder": {"top", "container"},
}

// newWorld draws a directory.
func newWorld(t *testing.T, rng *rand.Rand) *world {
	t.Helper()
	w := &world{block: rng.IntN(3) == 0, joined: 1 + rng.IntN(2), plain: rng.IntN(4) == 0}
	for i := range 3 + rng.IntN(4) {
		w.groups = append(w.groups, person{fmt.Sprint("g", i), sid.MustParse(fmt.Sprint(domainSID, "-", 2000+i)), nil})
	}
	for i, known := range []string{"S-1-5-32-551", domainSID + "-512", domainSID + "-527"} {
		if rng.IntN(3) == 0 {
			w.groups[i].sid = sid.MustParse(known)
		}
	}
	for i := range w.groups {
		if rng.IntN(3) == 0 { // cycles are fine
			w.groups[i].of = []int{rng.IntN(len(w.groups))}
		}
	}
	for i := range 3 + rng.IntN(4) {
		u := person{fmt.Sprint("u", i), sid.MustParse(fmt.Sprint(domainSID, "-", 1100+i)), nil}
		for range rng.IntN(2) {
			u.of = append(u.of, rng.IntN(len(w.groups)))
		}
		w.users = append(w.users, u)
	}
	for i, u := range w.users {
		w.add(rng, []string{"user", "user", "computer"}[rng.IntN(3)], i, u.sid)
	}
	for i, g := range w.groups {
		w.add(rng, "group", i, g.sid)
	}
	for _, is := range []string{"domain", "domain", "ou", "holder", "file"} {
		w.add(rng, is, -1, sid.SID{})
	}
	rng.Shuffle(len(w.things), func(i, j int) { w.things[i], w.things[j] = w.things[j], w.things[i] })
	w.search = reach.Search{Directory: check.Must(dirfile.Read([]byte(w.yaml()))), BlockOwner: w.block,
		MaxJoined: w.joined}
	for _, o := range w.things {
		w.search.Objects = append(w.search.Objects, o.item)
	}
	return w
}

func (w *world) yaml() string {
	var b strings.Builder
	list := func(of []int) string {
		var names []string
		for _, g := range of {
			names = append(names, w.groups[g].name)
		}
		return strings.Join(names, ", ")
	}
	fmt.Fprintf(&b, "domain: %s\nusers:\n", domainSID)
	for _, u := range w.users {
		fmt.Fprintf(&b, "  - {name: %s, sid: %v, memberOf: [%s]}\n", u.name, u.sid, list(u.of))
	}
	b.WriteString("groups:\n")
	for _, g := range w.groups {
		fmt.Fprintf(&b, "  - {name: %s, sid: %v, memberOf: [%s]}\n", g.name, g.sid, list(g.of))
	}
	return b.String()
}

// add draws an object.
func (w *world) add(rng *rand.Rand, is string, account int, who sid.SID) {
	if as := map[string]string{"computer": "user", "domain": "unknown", "ou": "unknown",
		"holder": "unknown"}[is]; w.plain && as != "" {
		is = as
	}
	o := object{is: is, account: account, sid: who, item: objects.Item{Path: w.path(rng, is),
		Type: winnt.DirectoryServiceObject, Entry: &objects.Entry{SID: who, Classes: classesOf[is]}}}
	if w.plain {
		o.item.Entry.Classes = nil
	}
	if is == "file" {
		o.item.Type, o.item.Entry = winnt.FileObject, nil
	}
	text := "O:" + w.trustee(rng) + "D:"
	for range rng.IntN(4) {
		text += w.entry(rng, is)
	}
	o.item.Descriptor = check.Must(sddl.Parse(text, sddl.Options{Domain: sid.MustParse(domainSID)}))
	w.things = append(w.things, o)
}

// path draws the name of an object in the domain DC=x, in a domain below it, or in another one.
func (w *world) path(rng *rand.Rand, is string) string {
	heads := map[bool]string{false: "DC=x", true: "DC=y,DC=x"}
	head := heads[rng.IntN(4) == 0]
	switch is {
	case "holder":
		return "CN=AdminSDHolder,CN=System," + head
	case "domain", "unknown": // each head once, then a zone
		for _, path := range []string{"dc=X", "DC=y,DC=x"} {
			if !slices.ContainsFunc(w.things, func(o object) bool { return o.item.Path == path }) {
				return path
			}
		}
		return fmt.Sprint("DC=ForestDnsZones,DC=", len(w.things), ",DC=x")
	case "file":
		return fmt.Sprint("/file", len(w.things))
	}
	return fmt.Sprint("CN=", is, len(w.things), ",", []string{"OU=o,", ""}[rng.IntN(2)], head)
}

func (w *world) trustee(rng *rand.Rand) string {
	switch n := rng.IntN(40); {
	case n == 0:
		return "AU"
	case n == 1:
		return "DU"
	case n < 18:
		return w.users[rng.IntN(len(w.users))].sid.String()
	}
	return w.groups[rng.IntN(len(w.groups))].sid.String()
}

// entry draws an entry that means something on an object, or does not.
func (w *world) entry(rng *rand.Rand, is string) string {
	kind, who := []string{"A", "A", "A", "D"}[rng.IntN(4)], w.trustee(rng)
	switch rng.IntN(12) {
	case 0:
		who = "OW"
	case 1:
		who = "PS"
	}
	types := map[string][]string{
		"user":     {passwordGUID, keyGUID, keySetGUID, spnGUID, publicGUID, altGUID, classGUID["user"]},
		"computer": {passwordGUID, actGUID, accountGUID, classGUID["computer"]},
		"group":    {memberGUID, memberGUID, membershipGUID, classGUID["group"]},
		"domain":   {changesGUID, changesAllGUID, linkGUID, classGUID["domain"]},
		"ou":       {linkGUID, classGUID["ou"]},
		"unknown":  {linkGUID, passwordGUID, memberGUID, keyGUID, changesGUID, changesAllGUID},
	}[is]
	masks := []string{"0x20", "0x100", "0x130", "0x120", "0x20", "0x100"}
	if len(types) == 0 || rng.IntN(3) == 0 {
		masks = append(masks[:2], "0x40000", "0x80000", "0x80000", "0xf01ff", "0x20028", "0x8", "0xc0000")
	}
	object := ""
	if len(types) > 0 && rng.IntN(2) == 0 {
		object, kind = types[rng.IntN(len(types))], "O"+kind
	} else if rng.IntN(4) == 0 && kind == "A" {
		g, h := w.groups[rng.IntN(len(w.groups))].sid, w.groups[rng.IntN(len(w.groups))].sid
		return fmt.Sprintf("(XA;;%s;;;AU;(%sMember_of{SID(%s)} && Member_of{SID(%s)}))", masks[rng.IntN(len(masks))],
			[]string{"", "", "Not_"}[rng.IntN(3)], g, h)
	}
	flags := ""
	if rng.IntN(12) == 0 {
		flags = "CIIO"
	}
	return fmt.Sprintf("(%s;%s;%s;%s;;%s)", kind, flags, masks[rng.IntN(len(masks))], object, who)
}

// small is a directory of four users and two groups.
const small = "domain: " + domainSID + `
users:
  - {name: ann, sid: ` + domainSID + `-1101}
  - {name: bob, sid: ` + domainSID + `-1102}
  - {name: cy, sid: ` + domainSID + `-1103}
  - {name: PC$, sid: ` + domainSID + `-1104}
groups:
  - {name: staff, sid: ` + domainSID + `-2101}
  - {name: admins, sid: ` + domainSID + `-2102}
`

// newItem creates an object of a directory. A path that begins with a slash is that of a file.
func newItem(path, rid, class, text string) objects.Item {
	text = strings.NewReplacer("<ann>", domainSID+"-1101", "<bob>", domainSID+"-1102", "<cy>", domainSID+"-1103",
		"<staff>", domainSID+"-2101", "<admins>", domainSID+"-2102").Replace(text)
	item := objects.Item{Path: path, Type: winnt.DirectoryServiceObject,
		Descriptor: check.Must(sddl.Parse(text, sddl.Options{})), Entry: &objects.Entry{}}
	if path[0] == '/' {
		item.Type, item.Entry = winnt.FileObject, nil
		return item
	}
	if rid != "" {
		item.Entry.SID = sid.MustParse(domainSID + "-" + rid)
	}
	if class != "" {
		item.Entry.Classes = classesOf[class]
	}
	return item
}

// objectsOf returns the objects of a search: each leads to the next.
func objectsOf() []objects.Item {
	return []objects.Item{
		newItem("/secret", "", "", "O:SYG:SYD:(A;;WO;;;<admins>)(A;;WD;;;OW)"),
		newItem("DC=x", "", "domain", "O:SYG:SYD:(OA;;CR;"+changesGUID+";;<staff>)(OA;;CR;"+changesAllGUID+";;<cy>)"),
		newItem("CN=admins", "2102", "group", "O:SYG:SYD:(OA;;SW;"+memberGUID+";;<staff>)"),
		newItem("CN=staff", "2101", "group", "O:SYG:SYD:(OA;;WP;"+memberGUID+";;<bob>)(A;;GA;;;SY)"),
		newItem("CN=bob", "1102", "user", "O:SYG:SYD:(OA;;CR;"+passwordGUID+";;<ann>)"),
		newItem("CN=cy", "1103", "user", "O:<staff>G:SYD:(A;;GR;;;WD)"),
		newItem("OU=shut", "", "ou", "O:SYG:SYD:(A;;GA;;;SY)(A;;GR;;;WD)"),
		newItem("/open", "", "", "O:SYG:SY"),
	}
}

package trail

import (
	"encoding/json"
	"strconv"

	"github.com/refmon/refmon/audit"
)

// logon adds session, logon type, logon process and status of an authentication to out. It omits missing fields.
// Logon type 0 becomes 1. Malformed numbers are left out.
func (o *ocsf) logon(out object) {
	if session := o.take("TargetLogonId"); session != "" {
		out["session"] = object{"uid": session}
	}
	if n, err := strconv.Atoi(o.take("LogonType")); err == nil {
		if n == 0 {
			n = 1
		}
		out["logon_type_id"] = n
	}
	if name := o.take("LogonProcessName"); name != "" {
		out["logon_process"] = object{"name": name}
	}
	if status := o.take("Status"); status != "" {
		out["status_code"] = status
	}
}

// privileges returns the names of the privileges in a record, an empty list without any. It marks the lists as used.
func (o *ocsf) privileges() []string {
	out := []string{}
	for f := range o.e.Fields() {
		if (f.Name == "PrivilegeList" || f.Name == "EnabledPrivilegeList") && f.IsList() {
			o.taken[f.Name] = true
			for p := range f.Items() {
				out = append(out, p)
			}
		}
	}
	return out
}

// entity returns the managed object of an event: a directory object, the system time or the audit policy. An
// empty name of a directory object becomes "unknown".
func (o *ocsf) entity(name string) object {
	if o.e.ID == 4662 {
		return object{"name": or(name, "unknown"), "type": "Directory object"}
	}
	if o.e.ID == 4616 {
		return object{"name": "System time"}
	}
	policy := object{"name": or(subcategory(o.e), "Audit policy")}
	if id := o.take("SubcategoryGuid"); id != "" {
		policy["uid"] = id
	}
	return object{"name": "Audit policy", "type": "Policy", "policy": policy}
}

// resourceTypes are OCSF's numbers of object types.
var resourceTypes = map[string]int{
	"Directory": 1, "Event": 2, "Mutant": 5, "File": 7, "Token": 8, "Thread": 9, "Section": 10, "WindowStation": 11,
	"SymbolicLink": 18,
	"Process":      20, "Desktop": 22, "Key": 25, "Semaphore": 28, "Job": 29, "Port": 30, "ALPC Port": 32,
}

// resourceType returns the OCSF number of an object type; 0, which is "unknown", for one without a number.
func resourceType(typ string) int { return resourceTypes[typ] }

// rights adds the access mask and the names of its rights to out. For a record without a mask it adds nothing. A mask
// without rights has an empty list.
func (o *ocsf) rights(out object) {
	o.take("AccessMask")
	m, ok := maskOf(o.e)
	if !ok {
		return
	}
	names := []string{}
	for a := range o.e.Accesses() {
		names = append(names, RightName(o.e, a.Bit))
	}
	switch o.class.id {
	case fileActivity, entityManagement:
		out["access_mask"], out["access_list"] = m, names
	case processActivity:
		out["requested_permissions"] = m
		out["access_list"] = names
	default:
		out["access_mask"], out["access_list"] = m, names
	}
}

// unmapped returns the fields without an OCSF attribute, under their Windows names. It omits empty fields and "-",
// but not empty lists.
func (o *ocsf) unmapped() object {
	out := object{}
	for f := range o.e.Fields() {
		switch {
		case o.taken[f.Name]:
		case f.IsList():
			var items []string
			for s := range f.Items() {
				items = append(items, s)
			}
			out[f.Name] = items
		case f.Text() != "-" && f.Text() != "":
			out[f.Name] = f.Text()
		}
	}
	return out
}

// ocsf writes the record as a line of OCSF JSON. The line is buffered.
func (w *Writer) ocsf(e *audit.Event) error {
	b, err := json.Marshal(OCSF(e))
	if err != nil {
		return err
	}
	_, err = w.out.Write(append(b, '\n'))
	return err
}

package trail

import (
	"path"
	"strconv"
	"strings"

	"github.com/refmon/refmon/audit"
)

// ocsfVersion is the schema version of the events.
const ocsfVersion = "1.8.0"

type object = map[string]any

// OCSF returns the record as an event of the Open Cybersecurity Schema Framework, version 1.8.0 (U-76). Fields without
// an OCSF attribute are under "unmapped". The caller owns the map.
func OCSF(e *audit.Event) map[string]any {
	c := classOf(e)
	o := &ocsf{e: e, class: c, taken: map[string]bool{}}
	status, severity := 1, 1
	if e.Outcome == audit.Failure {
		status, severity = 2, 2
	}
	switch c.id {
	case entityManagement, eventLogActivity, userAccess:
		severity = 3
	}
	out := object{
		"class_uid": c.id, "category_uid": c.id / 1000 % 100, "activity_id": c.activity, "type_uid": c.id*100 + c.activity,
		"severity_id": severity, "status_id": status, "time": unixMilli(e.Time),
		"metadata": o.metadata(), "device": object{"type_id": 1, "hostname": or(e.Computer, "unknown")},
	}
	if c.name != "" {
		out["activity_name"] = c.name
	}
	if actor := o.actor(); actor != nil {
		out["actor"] = actor
	} else {
		out["actor"] = object{"app_name": Generator}
	}
	o.subject(out)
	o.rights(out)
	out["unmapped"] = o.unmapped()
	return out
}

// ocsf builds an OCSF event from an audit record. taken holds the record's fields that were used, so that the others
// can be listed as unmapped.
type ocsf struct {
	e     *audit.Event
	class class
	taken map[string]bool
}

// unixMilli converts a FILETIME to milliseconds since 1970.
func unixMilli(t int64) int64 {
	const until1970 = 116_444_736_000_000_000
	return (t - until1970) / 10_000
}

// or returns s, or the default otherwise if s is empty.
func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// take returns a field of the record for use in the event, and marks it as used, so that it is not listed as
// unmapped. It returns "" for a missing field and for a field with the value "-".
func (o *ocsf) take(name string) string {
	text, ok := o.e.Field(name)
	if !ok {
		return ""
	}
	o.taken[name] = true
	if text == "-" {
		return ""
	}
	return text
}

// metadata returns the OCSF metadata object of the record. It names the Windows extension if the class belongs
// to that.
func (o *ocsf) metadata() object {
	m := object{
		"version":  ocsfVersion,
		"product":  object{"name": Generator, "vendor_name": Generator, "version": "0"},
		"log_name": "Security", "event_code": strconv.Itoa(int(o.e.ID)), "uid": strconv.FormatUint(o.e.RecordID,
			10), "sequence": o.e.RecordID,
		"original_time": string(audit.AppendTime(nil, o.e.Time)), "profiles": []string{"host"},
	}
	if o.class.id > 200_000 {
		m["extensions"] = []object{{"name": "win", "uid": "2", "version": ocsfVersion}}
	}
	return m
}

// user returns the account in the fields with a prefix, nil if there is none. It marks the fields as used. A name
// alone is no account.
func (o *ocsf) user(prefix string) object {
	sid := o.take(prefix + "UserSid")
	if sid == "" {
		return nil
	}
	u := object{"uid": sid, "type_id": userType(sid)}
	if name := o.take(prefix + "UserName"); name != "" {
		u["name"] = name
	}
	if domain := o.take(prefix + "DomainName"); domain != "" {
		u["domain"] = domain
	}
	return u
}

// userType returns 1 for users, 3 for the system, 4 for service accounts, and 0 for other SIDs. A virtual account of a
// service counts as a service account, and every account of a domain as a user.
func userType(sid string) int {
	switch {
	case sid == "S-1-5-18":
		return 3
	case sid == "S-1-5-19" || sid == "S-1-5-20" || strings.HasPrefix(sid, "S-1-5-80-"):
		return 4
	case strings.HasPrefix(sid, "S-1-5-21-"):
		return 1
	}
	return 0
}

// actor takes the fields of the actor from the record and returns it. The client is the user, its logon the session,
// and the server the process's user. Session and process are missing if the record has none. Without a subject the
// result is nil.
func (o *ocsf) actor() object {
	user := o.user("Subject")
	if user == nil {
		return nil
	}
	actor := object{"user": user}
	if session := o.take("SubjectLogonId"); session != "" {
		actor["session"] = object{"uid": session}
	}
	process := o.process("ProcessId", "ProcessName")
	if server := o.user("Primary"); server != nil {
		if process == nil {
			process = object{}
		}
		process["user"] = server
		o.take("PrimaryLogonId")
	}
	if process != nil {
		actor["process"] = process
	}
	return actor
}

// process takes the process fields with these names and returns the OCSF process; nil if both are missing. An
// id that is no number becomes 0.
func (o *ocsf) process(id, name string) object {
	pid, err := strconv.ParseUint(o.take(id), 0, 64)
	file := o.take(name)
	if err != nil && file == "" {
		return nil
	}
	p := object{"pid": pid}
	if file != "" {
		p["name"] = base(file)
		p["file"] = object{"name": base(file), "path": file, "type_id": 1}
	}
	return p
}

// base returns the last component of a path with slashes or backslashes, as path.Base does: it ignores separators at
// the end. It returns "" for "".
func base(name string) string {
	if name == "" {
		return ""
	}
	return path.Base(strings.ReplaceAll(name, `\`, "/"))
}

// subject adds the object of the audited action to the event out, in the attribute that the event's class has for it.
// Missing required attributes are "unknown". It marks the fields as used. For a class without such an attribute it
// adds nothing.
func (o *ocsf) subject(out object) {
	name, typ := o.take("ObjectName"), o.take("ObjectType")
	switch o.class.id {
	case fileActivity:
		kind := 1
		if IsDirectory(o.e) {
			kind = 2
			o.take("ObjectDirectory")
		}
		f := object{"name": or(base(name), "unknown"), "type_id": kind}
		if name != "" {
			f["path"] = name
		}
		if sd := o.take("NewSd"); sd != "" {
			f["security_descriptor"] = sd
		}
		out["file"] = f
	case registryKey:
		out["reg_key"] = object{"path": or(name, "unknown")}
	case kernelResource:
		r := object{"type_id": resourceType(typ), "name": or(name, or(o.take("Service"), "unknown"))}
		if server := o.take("ObjectServer"); server != "" {
			r["svc_name"] = server
		}
		out["win_resource"] = r
	case processActivity:
		p := o.process("NewProcessId", "NewProcessName")
		if p == nil {
			p = or2(o.process("TargetProcessId", "TargetProcessName"), object{"name": or(name, "unknown")})
		}
		out["process"] = p
	case authentication, authorizeSession, userAccess:
		out["user"] = or2(o.user("Target"), or2(o.user("Subject"), object{"name": "unknown", "type_id": 0}))
		if o.class.id == authentication {
			out["service"] = object{"name": or(o.e.Computer, Generator)}
			o.logon(out)
		} else {
			out["privileges"] = o.privileges()
		}
	case entityManagement:
		out["entity"] = o.entity(name)
	case eventLogActivity:
		out["log_name"], out["log_type_id"] = "Security", 1
		if file := o.take("BackupPath"); file != "" {
			out["file"] = object{"name": base(file), "path": file, "type_id": 1}
		}
	}
}

// or2 returns a, or the default b if a is nil.
func or2(a, b object) object {
	if a == nil {
		return b
	}
	return a
}

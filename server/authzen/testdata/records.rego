# The rules of examples/authzen/records.yaml for a comparison with OPA.
package records

import rego.v1

groups := {"alice": {"admins", "editors", "viewers"}, "bob": {"editors", "viewers"}, "carol": {"viewers"}, "dave": set()}

department := {"alice": "sales", "bob": "sales", "carol": "finance"}

objects := {
	"record-1": {"owner": "alice", "department": "sales", "status": "draft", "deleted": false},
	"record-2": {"owner": "bob", "department": "sales", "deleted": false, "status": "locked"},
	"record-3": {"owner": "carol", "department": "finance", "deleted": false},
	"record-4": {"owner": "dave", "department": "finance", "status": "draft", "deleted": true},
	"record-5": {"owner": "carol", "department": "finance", "status": "draft"},
}

default allow := false

who := input.subject.id if input.subject.type == "user"

object := objects[input.resource.id] if input.resource.type == "record"

status := object.status

status := input.resource.properties.status if not object.status

live if object.deleted == false

changeable if {
	live
	is_string(status)
	status != "locked"
}

in_group(g) if g in groups[who]

allow if {
	input.action.name in {"can_view", "can_restore"}
	object.deleted == true
	in_group("admins")
}

allow if {
	input.action.name == "can_view"
	live
	viewer
}

viewer if in_group("viewers")

viewer if in_group("admins")

viewer if object.owner == who

allow if {
	input.action.name == "can_edit"
	changeable
	editor
}

editor if in_group("admins")

editor if object.owner == who

editor if {
	in_group("editors")
	department[who] == object.department
}

allow if {
	input.action.name == "can_delete"
	changeable
	deleter
}

deleter if in_group("admins")

deleter if object.owner == who

// Package message splits the LDAP messages of a server into their parts and encodes them again.
//
//	m, err := message.Split(raw)    // can run in a process without rights
//	clean, err := m.Rebuild(raw)    // in the process that uses the message
//
// [Message.Rebuild] does not parse. It encodes the parts in the form that the message claims for them, and compares the
// result with raw. So a wrong answer of the process that splits is an error, whatever it says (D-39).
package message

// Package addc gives tests a domain controller of Samba's, made for one test on a
// loopback address of its own: accounts with groups that are nested five deep, a
// service with its keytab, tickets by kinit, and what the directory itself says of
// each account.
//
//	d := addc.Start(t, addc.Order{Users: map[string]int{"alice": 100}, Service: "HTTP/www.refmon.test"})
//	env := d.Login("alice")            // for curl --negotiate and the like
//	groups := d.TokenGroups("alice")   // as the directory computes them
//
// Without the programs, or root, the test is skipped with the reason;
// REFMON_SAMBA=required makes that a failure. The provision takes three seconds.
package addc

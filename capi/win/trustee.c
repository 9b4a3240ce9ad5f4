/* Trustees. The A and W structures have one layout. */
#include "win.h"

static void build(PTRUSTEE_W t, TRUSTEE_FORM form, LPWSTR name)
{
	memset(t, 0, sizeof *t);
	t->TrusteeForm = form;
	t->TrusteeType = TRUSTEE_IS_UNKNOWN;
	t->ptstrName = name;
}

void WINAPI BuildTrusteeWithSidW(PTRUSTEE_W t, PSID sid) { build(t, TRUSTEE_IS_SID, sid); }

void WINAPI BuildTrusteeWithNameW(PTRUSTEE_W t, LPWSTR name) { build(t, TRUSTEE_IS_NAME, name); }

void WINAPI BuildTrusteeWithObjectsAndSidW(PTRUSTEE_W t, POBJECTS_AND_SID o, GUID *object, GUID *inherited, PSID sid)
{
	memset(o, 0, sizeof *o);
	if (object) {
		o->ObjectsPresent |= ACE_OBJECT_TYPE_PRESENT;
		o->ObjectTypeGuid = *object;
	}
	if (inherited) {
		o->ObjectsPresent |= ACE_INHERITED_OBJECT_TYPE_PRESENT;
		o->InheritedObjectTypeGuid = *inherited;
	}
	o->pSid = sid;
	build(t, TRUSTEE_IS_OBJECTS_AND_SID, (LPWSTR)o);
}

void WINAPI BuildTrusteeWithObjectsAndNameW(PTRUSTEE_W t, POBJECTS_AND_NAME_W o, SE_OBJECT_TYPE type, LPWSTR object,
	LPWSTR inherited, LPWSTR name)
{
	o->ObjectsPresent = (object ? ACE_OBJECT_TYPE_PRESENT : 0) | (inherited ? ACE_INHERITED_OBJECT_TYPE_PRESENT : 0);
	o->ObjectType = type;
	o->ObjectTypeName = object;
	o->InheritedObjectTypeName = inherited;
	o->ptstrName = name;
	build(t, TRUSTEE_IS_OBJECTS_AND_NAME, (LPWSTR)o);
}

TRUSTEE_FORM WINAPI GetTrusteeFormW(PTRUSTEE_W t) { return t ? t->TrusteeForm : TRUSTEE_BAD_FORM; }

TRUSTEE_TYPE WINAPI GetTrusteeTypeW(PTRUSTEE_W t) { return t ? t->TrusteeType : TRUSTEE_IS_UNKNOWN; }

/* A name is not looked up for a SID. */
LPWSTR WINAPI GetTrusteeNameW(PTRUSTEE_W t)
{
	if (!t)
		return NULL;
	return t->TrusteeForm == TRUSTEE_IS_SID ? NULL : t->ptstrName; /* of the two forms with objects, the structure */
}

void WINAPI BuildExplicitAccessWithNameW(PEXPLICIT_ACCESS_W e, LPWSTR name, DWORD mask, ACCESS_MODE mode,
	DWORD inheritance)
{
	e->grfAccessPermissions = mask;
	e->grfAccessMode = mode;
	e->grfInheritance = inheritance;
	build(&e->Trustee, TRUSTEE_IS_NAME, name);
}

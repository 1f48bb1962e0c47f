"""The compiled side: functions over arrays, no objects and no checks."""

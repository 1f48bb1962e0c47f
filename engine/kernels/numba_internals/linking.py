"""Kernels that are compiled into their callers: optimised alone, and taken to machine code inside each caller.

Numba takes every function to machine code, and what it calls is linked into it besides. Of a kernel that is only ever linked into
others that machine code is never run, so it is not made. Nor would optimising be left out: a dense J of C then took 1.75 times as
long, since loops of what is inlined were no longer vector code.

Relies on
---------
``pipeline_class``
    An option of the decorator: a `Compiler` whose `state.library` is what the lowering fills, where there is one already.
``JITCodeLibrary``
    ``_finalize_final_module``, which `finalize` calls last, and which calls ``_finalize_specific``;
    ``_finalize_dynamic_globals``; ``_final_module``, ``_finalized``, ``_get_module_for_linking``; ``codegen.set_env``, which tells
    machine code where a function's environment lies.
``CompileResult``
    ``_reduce`` calls ``library.serialize_using_object_code``, and `compile_result` makes one of its fields.
``lookup_environment``
    Gives the environment that a global variable of a module names.
"""

import llvmlite.binding
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CR_FIELDS, Compiler, compile_result
from numba.core.environment import lookup_environment

ENVIRONMENT = "_ZN08NumbaEnv"  # what the names of the global variables begin with that hold environments


class _WithoutEnvironments:
    """A code generator that is not told where environments lie: there is no machine code to tell."""

    def __init__(self, codegen):
        self._codegen = codegen

    def __getattr__(self, name):
        return getattr(self._codegen, name)

    def set_env(self, name, environment):
        """Nothing."""


class _Linked(JITCodeLibrary):
    """Code for linking into callers, optimised; never machine code of its own."""

    def _finalize_final_module(self):
        self._finalize_dynamic_globals()
        self._finalized = True

    @property
    def codegen(self):
        """What made this library."""
        return _WithoutEnvironments(self._codegen)

    def get_pointer_to_function(self, name):
        """Nowhere."""
        return 0

    def serialize_using_object_code(self):
        """What a cache keeps."""
        return self.name, "linked", self._get_module_for_linking().as_bitcode()

    @classmethod
    def read(cls, codegen, name, bitcode):
        """One that a cache has kept."""
        library = cls(codegen, name)
        library._final_module = llvmlite.binding.parse_bitcode(bitcode)
        library._finalize_final_module()
        return library


class _Whole(JITCodeLibrary):
    """Machine code, in which the environments of what is linked in are those of its sources."""

    def _finalize_specific(self):
        super()._finalize_specific()
        for variable in self._final_module.global_variables:
            environment = lookup_environment(variable.name) if variable.name.startswith(ENVIRONMENT) else None
            if environment is not None:
                self._codegen.set_env(variable.name, environment)  # type: ignore[attr-defined]


def _compiler(library_class):
    class KernelCompiler(Compiler):
        def compile_extra(self, func):
            self.state.library = library_class(self.state.targetctx.codegen(), func.__qualname__)
            self.state.library.enable_object_caching()
            return super().compile_extra(func)

    return KernelCompiler


LINKED, WHOLE = _compiler(_Linked), _compiler(_Whole)  # pipeline classes


def rebuilt(target_context, payload):
    """The CompileResult of what `CompileResult._reduce` gave for a kernel compiled by LINKED, or None for another."""
    (name, kind, code), descriptor, environment, signature, _, _, annotation, initial, referenced = payload
    if kind != "linked":
        return None
    library = _Linked.read(target_context.codegen(), name, code)
    fields = dict.fromkeys(CR_FIELDS) | {
        "target_context": target_context, "typing_context": target_context.typing_context, "library": library,
        "environment": environment, "entry_point": target_context.get_executable(library, descriptor, environment),
        "fndesc": descriptor, "type_annotation": annotation, "signature": signature, "objectmode": False, "lifted": (),
        "reload_init": initial, "referenced_envs": referenced}
    return compile_result(**fields)

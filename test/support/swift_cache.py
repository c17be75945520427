"""The cache that Swift's tempauth wants, kept in the process: a paste filter in the place of memcached."""


class Memory:
    def __init__(self):
        self.values = {}

    def get(self, key, **_options):
        return self.values.get(key)

    def set(self, key, value, **_options):
        self.values[key] = value

    def delete(self, key, **_options):
        self.values.pop(key, None)

    def incr(self, key, delta=1, **_options):
        self.values[key] = int(self.values.get(key, 0)) + int(delta)
        return self.values[key]

    def get_multi(self, keys, *_arguments, **_options):
        return [self.values.get(key) for key in keys]

    def set_multi(self, mapping, *_arguments, **_options):
        self.values.update(mapping)


def filter_factory(_global_conf, **_local_conf):
    memory = Memory()

    def wrap(app):
        def answer(env, start_response):
            env["swift.cache"] = memory
            return app(env, start_response)

        return answer

    return wrap

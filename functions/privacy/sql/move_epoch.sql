UPDATE privacy.fence SET epoch = %(epoch)s, wrapped_key = %(wrapped_key)s
